"""S3: bucket policies are decided before moto is asked; an object's content drops its digest when it changes."""

from __future__ import annotations

from typing import Any

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket, FakeKey

from .registry import correct, correct_value

_value = FakeKey.__dict__["value"]


def _get_value(self: FakeKey) -> bytes:
    content: bytes = _value.fget(self)
    return content


def _set_value(self: FakeKey, content: bytes) -> None:
    self.__dict__.pop("slipway_body_digest", None)
    _value.fset(self, content)


@correct(FakeBucket, "get_permission")
def get_permission(_self: FakeBucket, _action: str, _resource: str) -> Any:
    """Permitted: whoever comes so far was let in by `rehearsal.emulator.authorization`, which heeds conditions.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-auth-workflow-bucket-operation.html
    """
    return PermissionResult.PERMITTED


correct_value(FakeKey, "value", property(_get_value, _set_value))
