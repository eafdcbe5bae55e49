"""KMS: ARNs and aliases stand for a key wherever its id does, and an unknown alias is an error of its own."""

from __future__ import annotations

from moto.kms.models import Alias, KmsBackend, kms_backends

from .registry import correct

_schedule_key_deletion = KmsBackend.schedule_key_deletion
_cancel_key_deletion = KmsBackend.cancel_key_deletion
_enable_key = KmsBackend.enable_key
_disable_key = KmsBackend.disable_key
_any_id_to_key_id = KmsBackend.any_id_to_key_id
_create_alias = KmsBackend.create_alias


def is_usable(account_id: str, region: str, key: str) -> bool:
    """Whether an id, ARN or alias names a key of this account and region that is enabled; AWS's own always are."""
    if key.split(":")[-1].startswith("alias/aws/"):
        return True
    backend = kms_backends[account_id][region]
    found = backend.keys.get(backend.any_id_to_key_id(key))
    return found is not None and found.key_state == "Enabled"


@correct(KmsBackend, "schedule_key_deletion")
def schedule_key_deletion(self: KmsBackend, key_id: str, pending_window_in_days: int) -> float:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html"""
    return _schedule_key_deletion(self, self.get_key_id(key_id), pending_window_in_days)


@correct(KmsBackend, "cancel_key_deletion")
def cancel_key_deletion(self: KmsBackend, key_id: str) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_CancelKeyDeletion.html"""
    _cancel_key_deletion(self, self.get_key_id(key_id))


@correct(KmsBackend, "enable_key")
def enable_key(self: KmsBackend, key_id: str) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKey.html"""
    _enable_key(self, self.get_key_id(key_id))


@correct(KmsBackend, "disable_key")
def disable_key(self: KmsBackend, key_id: str) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKey.html"""
    _disable_key(self, self.get_key_id(key_id))


@correct(KmsBackend, "any_id_to_key_id")
def any_id_to_key_id(self: KmsBackend, key_id: str) -> str:
    """An alias that nobody made names no key: the request is answered with NotFoundException, not with a breakdown.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html
    """
    name = self.get_alias_name(key_id)
    if name.startswith("alias/") and self.get_key_id_from_alias(name) is None:
        return name
    return _any_id_to_key_id(self, key_id)


@correct(KmsBackend, "create_alias")
def create_alias(self: KmsBackend, target_key_id: str, alias_name: str) -> Alias:
    """`alias/aws/` is reserved for keys that AWS manages, and rotates every year; moto makes them for services.

    https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-key
    """
    alias = _create_alias(self, target_key_id, alias_name)
    if alias_name.startswith("alias/aws/"):
        key = self.keys[self.get_key_id(target_key_id)]
        key.key_manager, key.key_rotation_status = "AWS", True
    return alias
