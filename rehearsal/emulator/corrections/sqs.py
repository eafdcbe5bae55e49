"""SQS: addresses as AWS gives them, who may use a dead-letter queue, and waiting without holding up the account."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

from moto.sqs.exceptions import SQSException
from moto.sqs.models import Message, Queue, SQSBackend

from rehearsal.emulator import account

from .registry import correct, correct_value

#: A message also becomes visible by the clock, which wakes nobody.
_LOOK_AGAIN_SECONDS = 0.5

_arrival = threading.Condition(account.LOCK)
_receive_message = SQSBackend.receive_message
_add_message = Queue.add_message
_set_attributes = Queue._set_attributes
_setup_dlq = Queue._setup_dlq


@correct(Queue, "url")
def url(self: Queue, _request_url: Any) -> str:
    """The same for everybody, whichever way he asked: clients send a queue's URL along, and connect to their endpoint.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html
    """
    return f"https://sqs.{self.region}.amazonaws.com/{self.account_id}/{self.name}"


# -- attributes ----------------------------------------------------------------------------------------------

correct_value(Queue, "BASE_ATTRIBUTES", [*Queue.BASE_ATTRIBUTES, "RedriveAllowPolicy"])
correct_value(Queue, "redrive_allow_policy", None)


@correct(Queue, "_set_attributes")
def set_attributes(self: Queue, attributes: dict[str, Any], now: float | None = None) -> None:
    """What a request does not name stays as it is, the policy too; an empty text takes a policy away.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
    """
    before = getattr(self, "_policy_json", None)
    _set_attributes(
        self, {name: value or None if name == "Policy" else value for name, value in attributes.items()}, now
    )
    if "Policy" not in attributes and before is not None:
        self._policy_json = before


@correct(Queue, "_setup_dlq")
def setup_dlq(self: Queue, policy: Any) -> None:
    """A dead-letter queue that names its sources takes no other's messages.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
    """
    before = getattr(self, "redrive_policy", None), self.dead_letter_queue
    _setup_dlq(self, policy)
    allowed = json.loads(getattr(self.dead_letter_queue, "redrive_allow_policy", None) or "{}")
    permission = allowed.get("redrivePermission", "allowAll")
    if permission == "denyAll" or (
        permission == "byQueue" and self.queue_arn not in allowed.get("sourceQueueArns", [])
    ):
        self.redrive_policy, self.dead_letter_queue = before
        raise SQSException(
            "InvalidParameterValue", f"Value {json.dumps(policy)} for parameter RedrivePolicy is invalid."
        )


# -- messages ------------------------------------------------------------------------------------------------


@correct(SQSBackend, "receive_message")
def receive_message(
    self: SQSBackend,
    queue_name: str,
    count: int,
    wait_seconds_timeout: int,
    visibility_timeout: int,
    message_attribute_names: list[str] | None = None,
) -> list[Message]:
    """A long poll, during which the account goes on: whoever waits has let go of its lock.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
    """
    end = time.monotonic() + wait_seconds_timeout
    with _arrival:
        while True:
            found = _receive_message(self, queue_name, count, 0, visibility_timeout, message_attribute_names)
            left = end - time.monotonic()
            if found or left <= 0:
                return found
            _arrival.wait(min(left, _LOOK_AGAIN_SECONDS))


@correct(Queue, "add_message")
def add_message(self: Queue, message: Message) -> None:
    """Whoever waits for it looks.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
    """
    _add_message(self, message)
    with _arrival:
        _arrival.notify_all()
