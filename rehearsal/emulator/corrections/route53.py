"""Route 53: names are answered as Route 53 writes them, and a record that was deleted can be made again."""

from __future__ import annotations

from typing import Any

from moto.route53.models import RecordSet, Route53Backend

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


_change = Route53Backend.change_resource_record_sets


@correct(Route53Backend, "change_resource_record_sets")
def change_resource_record_sets(self: Route53Backend, zoneid: str, change_list: list[dict[str, Any]]) -> None:
    """A record may come back with the value that it had before it was deleted.

    moto holds a new record against all changes that there ever were, and takes any with a later name for the same.

    https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html
    """
    _change(self, zoneid, change_list)
    gone = {
        (record["Name"].strip("."), record["Type"])
        for change in change_list
        if change["Action"] == "DELETE" and "SetIdentifier" not in (record := change["ResourceRecordSet"])
    }
    journal = self.get_hosted_zone(zoneid).rr_changes
    journal[:] = [
        change
        for change in journal
        if (change["ResourceRecordSet"]["Name"], change["ResourceRecordSet"]["Type"]) not in gone
    ]
