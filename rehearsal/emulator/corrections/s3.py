"""S3: bucket policies are decided before moto is asked; an object's content drops its digest when it changes."""

from __future__ import annotations

import fnmatch
import json
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


@correct(FakeBucket, "_log_permissions_enabled_policy")
def may_log(_self: FakeBucket, target_bucket: FakeBucket, target_prefix: str | None) -> bool:
    """Whether the target's policy lets S3 write below the prefix, as `*` matches; conditions are not heeded.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    """
    document = json.loads(target_bucket.policy or "{}")
    place = f"arn:aws:s3:::{target_bucket.name}/{target_prefix or ''}log"
    return any(
        statement["Effect"] == "Allow"
        and isinstance(statement.get("Principal"), dict)
        and "logging.s3.amazonaws.com" in _listed(statement["Principal"].get("Service"))
        and {"s3:PutObject", "s3:*"} & {*_listed(statement.get("Action"))}
        and any(fnmatch.fnmatchcase(place, pattern) for pattern in _listed(statement.get("Resource")))
        for statement in document.get("Statement", [])
    )


def _listed(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else value or []
