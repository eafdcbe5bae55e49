"""S3: nothing is answered otherwise; an object's content drops its remembered digest when it changes."""

from __future__ import annotations

from moto.s3.models import FakeKey

from .registry import correct_value

_value = FakeKey.__dict__["value"]


def _get_value(self: FakeKey) -> bytes:
    content: bytes = _value.fget(self)
    return content


def _set_value(self: FakeKey, content: bytes) -> None:
    self.__dict__.pop("slipway_body_digest", None)
    _value.fset(self, content)


correct_value(FakeKey, "value", property(_get_value, _set_value))
