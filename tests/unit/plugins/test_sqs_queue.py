"""A queue that is changed: SQS answers the old attributes for a while; whoever looks next shall see the new ones."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import RefusalError, converge
from ansible_collections.slipway.aws.plugins.modules import sqs_queue

URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/tasks"


class SlowQueue:
    """The calls of the module; a change is seen from the given number of reads on."""

    def __init__(self, reads: int) -> None:
        self.reads = reads
        self.calls: list[str] = []
        self.attributes = {"QueueArn": "arn", "VisibilityTimeout": "30"}
        self.sent: dict[str, str] = {}

    def check(self, _operation: str, **_parameters: Any) -> None:
        """Takes everything."""

    def call_if_exists(self, _doing: str, _operation: str, *, missing: Any, **_parameters: Any) -> Any:  # noqa: ARG002
        return {"QueueUrl": URL}

    def call(self, _doing: str, operation: str, **parameters: Any) -> Any:
        self.calls.append(operation)
        if operation == "set_queue_attributes":
            self.sent = parameters["Attributes"]
            return {}
        if self.sent:
            self.reads -= 1
        return {"Attributes": {**self.attributes, **(self.sent if self.reads < 0 else {})}}


def _change(api: Any, **fields: Any) -> Any:
    params = {**dict.fromkeys(sqs_queue.ATTRIBUTES), "name": "tasks", "tags": None, "purge_tags": True, **fields}
    return converge(sqs_queue.Queue(api, params), state="present", check_mode=False, wait=True)


def test_a_change_is_waited_for() -> None:
    api = SlowQueue(reads=1)
    assert _change(api, visibility_seconds=60).after["visibility_seconds"] == 60
    assert api.calls == ["get_queue_attributes", "set_queue_attributes", *["get_queue_attributes"] * 2]


def test_without_a_change_nothing_is_asked_twice() -> None:
    api = SlowQueue(reads=0)
    assert _change(api, visibility_seconds=30).changes == ()
    assert api.calls == ["get_queue_attributes"]


def test_a_change_that_never_comes_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    timeouts: list[float] = []

    def impatient(what: str, probe: Any, *, timeout: float, **_rest: Any) -> float:
        timeouts.append(timeout)
        raise RefusalError(f"{what}: {probe()[1]}")

    monkeypatch.setattr(sqs_queue, "wait_until", impatient)
    with pytest.raises(RefusalError, match="the queue tasks: the old visibility_seconds"):
        _change(SlowQueue(reads=9), visibility_seconds=60)
    with pytest.raises(RefusalError, match="the old retention_seconds"):
        _change(SlowQueue(reads=9), retention_seconds=600)
    assert timeouts == [90, 930]
