"""KMS: a key may be named by its ARN wherever it may be named by its id."""

from __future__ import annotations

from moto.kms.models import KmsBackend

from .registry import correct

_schedule_key_deletion = KmsBackend.schedule_key_deletion


@correct(KmsBackend, "schedule_key_deletion")
def schedule_key_deletion(self: KmsBackend, key_id: str, pending_window_in_days: int) -> float:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html"""
    return _schedule_key_deletion(self, self.get_key_id(key_id), pending_window_in_days)
