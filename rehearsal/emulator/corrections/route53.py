"""Route 53: names are answered as Route 53 writes them."""

from __future__ import annotations

from typing import Any

from moto.route53.models import RecordSet

from .registry import correct

_record_set_init = RecordSet.__init__


@correct(RecordSet, "__init__")
def new_record_set(self: RecordSet, *args: Any, **kwargs: Any) -> None:
    """An alias names its target in small letters and with a final dot, however it was stated.

    https://docs.aws.amazon.com/Route53/latest/APIReference/API_AliasTarget.html
    """
    _record_set_init(self, *args, **kwargs)
    if self.alias_target:
        name = self.alias_target["DNSName"].lower().rstrip(".")
        self.alias_target = {**self.alias_target, "DNSName": f"{name}."}
