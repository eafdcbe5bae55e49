"""Secrets Manager: a secret is encrypted with a key that exists."""

from __future__ import annotations

from typing import Any

from moto.secretsmanager.exceptions import SecretsManagerClientError
from moto.secretsmanager.models import SecretsManagerBackend

from .kms import is_usable
from .registry import correct

_create_secret = SecretsManagerBackend.create_secret


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
