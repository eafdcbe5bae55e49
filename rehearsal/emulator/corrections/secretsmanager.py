"""Secrets Manager: a secret is encrypted with a key that exists, and knows the day on which it was last read."""

from __future__ import annotations

import time
from typing import Any

from moto.secretsmanager.exceptions import SecretsManagerClientError
from moto.secretsmanager.models import FakeSecret, SecretsManagerBackend

from .kms import is_usable
from .registry import correct

_DAY_SECONDS = 86400

_create_secret = SecretsManagerBackend.create_secret
_get_secret_value = SecretsManagerBackend.get_secret_value
_to_dict = FakeSecret.to_dict


@correct(SecretsManagerBackend, "create_secret")
def create_secret(self: SecretsManagerBackend, *args: Any, **kwargs: Any) -> str:
    """A key that is missing or out of use is refused with EncryptionFailure.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
    """
    key = kwargs.get("kms_key_id")
    if key and not is_usable(self.account_id, self.region_name, key):
        raise SecretsManagerClientError(
            "EncryptionFailure",
            "Secrets Manager can't encrypt the protected secret text using the provided KMS key. "
            "Check that the KMS key is available, enabled, and not in an invalid state.",
        )
    return _create_secret(self, *args, **kwargs)


@correct(SecretsManagerBackend, "get_secret_value")
def get_secret_value(self: SecretsManagerBackend, secret_id: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """The day is kept, without the time: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html"""
    value = _get_secret_value(self, secret_id, *args, **kwargs)
    now = int(time.time())
    self.secrets[secret_id].__dict__["slipway_last_accessed"] = now - now % _DAY_SECONDS
    return value


@correct(FakeSecret, "to_dict")
def to_dict(self: FakeSecret) -> dict[str, Any]:
    """With the day; null where nobody has read it."""
    return _to_dict(self) | {"LastAccessedDate": self.__dict__.get("slipway_last_accessed")}
