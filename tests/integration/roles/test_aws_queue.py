"""The queue of the tasks: encrypted, closed to plain HTTP, and nothing is lost that failed."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from .conftest import ACCOUNT, REGION, TAGS, Clients, Converge, Values

VARIABLES: Values = {
    "aws_queue_name": "stack",
    "aws_queue_account_id": ACCOUNT,
    "aws_queue_region": REGION,
    "aws_queue_receives": 3,
    "aws_queue_tags": TAGS,
}


def test_the_queues(converge: Converge, client: Clients) -> None:
    made = converge.through_its_life("aws_queue", VARIABLES)
    sqs = client("sqs")
    found = {}
    for which, name in made.result["names"].items():
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        found[which] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        arn = made.result["arns"][which]
        assert found[which]["QueueArn"] == arn
        assert found[which]["SqsManagedSseEnabled"] == "true"
        (deny,) = json.loads(found[which]["Policy"])["Statement"]
        assert (deny["Effect"], deny["Action"], deny["Resource"]) == ("Deny", "sqs:*", arn)
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {**TAGS, "Name": name}
    assert sqs.get_queue_url(QueueName="stack-tasks")["QueueUrl"] == made.result["url"]
    assert json.loads(found["tasks"]["RedrivePolicy"]) == {
        "deadLetterTargetArn": found["dead"]["QueueArn"],
        "maxReceiveCount": 3,
    }
    assert json.loads(found["dead"]["RedriveAllowPolicy"]) == {
        "redrivePermission": "byQueue",
        "sourceQueueArns": [found["tasks"]["QueueArn"]],
    }
    assert found["dead"]["MessageRetentionPeriod"] == "1209600"

    for check in (True, False):
        changed = converge("aws_queue", {**VARIABLES, "aws_queue_receives": 5}, check=check)
        assert changed.changed == ("queues | Make the dead-letter queue, then the queue",)
        assert '"redrive.receives"' in changed.differences
    assert not converge("aws_queue", {**VARIABLES, "aws_queue_receives": 5}).changed


def test_a_message_that_fails_three_times_is_among_the_dead(converge: Converge, client: Clients) -> None:
    made = converge("aws_queue", VARIABLES)
    sqs = client("sqs")
    sqs.send_message(QueueUrl=made.result["url"], MessageBody="poison")
    for _ in range(3):
        got = sqs.receive_message(QueueUrl=made.result["url"], WaitTimeSeconds=1)["Messages"]
        sqs.change_message_visibility(
            QueueUrl=made.result["url"], ReceiptHandle=got[0]["ReceiptHandle"], VisibilityTimeout=0
        )
    assert "Messages" not in sqs.receive_message(QueueUrl=made.result["url"], WaitTimeSeconds=1)
    dead = sqs.get_queue_url(QueueName=made.result["names"]["dead"])["QueueUrl"]
    assert sqs.receive_message(QueueUrl=dead)["Messages"][0]["Body"] == "poison"


def test_a_range_that_sqs_does_not_take_is_refused(converge: Converge, client: Clients) -> None:
    refused = converge("aws_queue", {**VARIABLES, "aws_queue_receives": 1001}, check=True)
    assert refused.failed
    assert "SQS takes 1 to 1000 receives" in refused.messages
    assert "QueueUrls" not in client("sqs").list_queues()


def test_a_host_may_use_the_queue_and_nothing_else_of_it(converge: Converge, host: Clients) -> None:
    assert not converge("aws_queue", VARIABLES).failed
    sqs = host("sqs", aws_identity_queue_names=["stack-tasks"])
    own = sqs.get_queue_url(QueueName="stack-tasks")["QueueUrl"]
    sqs.send_message(QueueUrl=own, MessageBody="task")
    (message,) = sqs.receive_message(QueueUrl=own)["Messages"]
    handle = message["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=own, ReceiptHandle=handle, VisibilityTimeout=30)
    sqs.delete_message(QueueUrl=own, ReceiptHandle=handle)
    refusals: tuple[Callable[[], object], ...] = (
        lambda: sqs.purge_queue(QueueUrl=own),
        lambda: sqs.delete_queue(QueueUrl=own),
        lambda: sqs.receive_message(QueueUrl=f"{own}-dead"),
    )
    for refused in refusals:
        with pytest.raises(sqs.exceptions.ClientError, match=r"AccessDenied|not authorized"):
            refused()
