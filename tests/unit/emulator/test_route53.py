"""Route 53's names, asked through the API."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.unit.emulator.conftest import Clients


def test_an_alias_is_answered_in_small_letters_and_with_a_final_dot(client: Clients) -> None:
    route53 = client("route53")
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]
    target = {
        "HostedZoneId": "Z32O12XQLNTSW2",
        "DNSName": "Web-1.eu-west-1.elb.amazonaws.com",
        "EvaluateTargetHealth": False,
    }
    record = {"Name": "app.example.com", "Type": "A", "AliasTarget": target}
    for action in ("CREATE", "UPSERT"):
        change = {"Action": action, "ResourceRecordSet": record}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})
        [found] = [
            one
            for one in route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
            if "AliasTarget" in one
        ]
        assert found["AliasTarget"]["DNSName"] == "web-1.eu-west-1.elb.amazonaws.com."


def test_a_record_comes_back_after_it_was_deleted(client: Clients) -> None:
    route53 = client("route53")
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]

    def change(action: str, name: str) -> None:
        record = {"Name": name, "Type": "CNAME", "TTL": 300, "ResourceRecords": [{"Value": "proof.example.net."}]}
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)

    # One whose name comes later stays.
    change("CREATE", "zz.example.com.")
    for action in ("CREATE", "DELETE", "CREATE"):
        change(action, "_1.app.example.com.")
    names = {one["Name"] for one in route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]}
    assert {"zz.example.com.", "_1.app.example.com."} <= names
    with pytest.raises(ClientError, match="already exists"):
        change("CREATE", "_1.app.example.com.")
