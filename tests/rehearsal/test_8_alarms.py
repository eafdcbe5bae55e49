"""An alarm of CloudWatch reaches the page through a topic: confirmed by the application, signed, and over again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.rehearsal.conftest import Rehearsal, shown

Eventually = Callable[..., None]

#: SNS tries three times more, 20 seconds apart.
TOLD_SECONDS = 90
PATH = "/api/inbound/sns/"


@pytest.fixture
def alarm(rehearsal: Rehearsal) -> Iterator[str]:
    """One that the playbook has made; its state is as before afterwards."""
    cloudwatch = rehearsal.client("cloudwatch")
    (found,) = [
        one for one in cloudwatch.describe_alarms()["MetricAlarms"] if one["AlarmName"].endswith("/balancer-5xx")
    ]
    name: str = found["AlarmName"]
    yield name
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="The test is over.")
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="INSUFFICIENT_DATA", StateReason=found["StateReason"])


def incidents_of(site: httpx.Client, name: str) -> list[dict[str, Any]]:
    answer = site.get("/api/incidents/")
    assert answer.status_code == 200, shown(answer)
    return [one for one in answer.json()["results"] if name in one["title"]]


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
def test_the_application_has_confirmed_its_subscription(rehearsal: Rehearsal, region: str) -> None:
    listed = rehearsal.client("sns", region).list_subscriptions()["Subscriptions"]
    (own,) = [one for one in listed if one["Endpoint"] == rehearsal.url + PATH]
    assert own["SubscriptionArn"].startswith(f"arn:aws:sns:{region}:"), own


def test_an_alarm_opens_an_incident_and_closes_it(
    rehearsal: Rehearsal, site: httpx.Client, alarm: str, eventually: Eventually
) -> None:
    cloudwatch = rehearsal.client("cloudwatch")
    before = {one["id"] for one in incidents_of(site, alarm)}

    def own() -> dict[str, Any] | None:
        return next((one for one in incidents_of(site, alarm) if one["id"] not in before), None)

    cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="Threshold Crossed: 12 errors")
    eventually(lambda: (found := own()) and found["resolved_at"] is None, TOLD_SECONDS, "the incident is opened")
    opened = own()
    assert opened is not None
    told = site.get(f"/api/incidents/{opened['id']}/").json()
    assert "Threshold Crossed: 12 errors" in json.dumps(told["updates"]), told

    cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="OK", StateReason="All is well again")
    eventually(lambda: (found := own()) and found["resolved_at"], TOLD_SECONDS, "the incident is closed")
    told = site.get(f"/api/incidents/{opened['id']}/").json()
    assert "All is well again" in json.dumps(told["updates"]), told


def test_what_sns_has_not_signed_is_not_heard(rehearsal: Rehearsal, site: httpx.Client) -> None:
    topic = rehearsal.client("sns").list_topics()["Topics"][0]["TopicArn"]
    forged = {
        "Type": "Notification",
        "MessageId": "forged",
        "TopicArn": topic,
        "Message": "{}",
        "Timestamp": datetime.now(UTC).isoformat(),
        "SignatureVersion": "1",
        "Signature": "Zm9yZ2Vk",
        "SigningCertURL": f"{rehearsal.context.settings.endpoint}/SimpleNotificationService-0.pem",
    }
    answer = site.post(PATH, content=json.dumps(forged), headers={"Content-Type": "text/plain; charset=UTF-8"})
    assert answer.status_code == 403, shown(answer)
    assert answer.headers["content-type"] == "application/problem+json"
    # Not even the account's own endpoint, by which the application reaches SNS, may be named by a message.
    assert "not one of SNS" in answer.json()["detail"]
