"""Queues: what moto does otherwise than SQS."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import Clients


@pytest.fixture
def sqs(client: Clients) -> Any:
    return client("sqs")


def test_a_queue_has_one_address(sqs: Any) -> None:
    made = sqs.create_queue(QueueName="tasks")["QueueUrl"]
    assert made == sqs.get_queue_url(QueueName="tasks")["QueueUrl"]
    assert made == "https://sqs.eu-west-1.amazonaws.com/123456789012/tasks"
    sqs.send_message(QueueUrl=made, MessageBody="x")
    assert [one["Body"] for one in sqs.receive_message(QueueUrl=made)["Messages"]] == ["x"]


def test_what_is_not_named_stays(sqs: Any) -> None:
    policy = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "sqs:X"}]}
    )
    url = sqs.create_queue(QueueName="kept", Attributes={"Policy": policy})["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "77"})
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert json.loads(attributes["Policy"])["Statement"][0]["Effect"] == "Deny"
    assert attributes["VisibilityTimeout"] == "77"
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    assert "Policy" not in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def test_a_dead_letter_queue_takes_its_sources_alone(sqs: Any) -> None:
    arn = "arn:aws:sqs:eu-west-1:123456789012:"
    allow = json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [f"{arn}mine"]})
    dead = sqs.create_queue(QueueName="dead", Attributes={"RedriveAllowPolicy": allow})["QueueUrl"]
    kept = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["RedriveAllowPolicy"])["Attributes"]
    assert json.loads(kept["RedriveAllowPolicy"])["sourceQueueArns"] == [f"{arn}mine"]
    redrive = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": f"{arn}dead", "maxReceiveCount": 1})}
    mine = sqs.create_queue(QueueName="mine", Attributes=redrive)["QueueUrl"]
    with pytest.raises(ClientError, match="RedrivePolicy is invalid"):
        sqs.create_queue(QueueName="foreign", Attributes=redrive)

    sqs.send_message(QueueUrl=mine, MessageBody="poison")
    for _ in range(2):
        sqs.receive_message(QueueUrl=mine, VisibilityTimeout=0)
        time.sleep(0.01)
    assert sqs.receive_message(QueueUrl=dead)["Messages"][0]["Body"] == "poison"


def test_the_account_goes_on_while_somebody_waits(sqs: Any, client: Clients) -> None:
    url = sqs.create_queue(QueueName="waited")["QueueUrl"]
    answer: list[tuple[float, Any]] = []

    def wait() -> None:
        answer.append((time.monotonic(), sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]))

    began = time.monotonic()
    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.3)
    client("ec2").describe_vpcs()
    assert time.monotonic() - began < 5
    sqs.send_message(QueueUrl=url, MessageBody="here")
    sent = time.monotonic()
    waiting.join(12)
    assert answer[0][0] <= began + 1
    assert answer[0][1][0]["Body"] == "here"
    assert time.monotonic() - sent < 3


def test_a_long_poll_of_an_empty_queue_ends(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="empty")["QueueUrl"]
    began = time.monotonic()
    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
    assert 0.9 <= time.monotonic() - began < 4
