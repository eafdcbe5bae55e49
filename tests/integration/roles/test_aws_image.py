"""The image of a builder: EC2 need not know at once what it has just made, and a builder is needed until it is made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from rehearsal.emulator import backchannel
from rehearsal.emulator.api_request import ApiRequest
from rehearsal.emulator.server import Emulator
from rehearsal.images import DEBIAN_13_IMAGE_ID
from tests.integration.playbooks.faults import Fault, Passing, Wire

from .conftest import TAGS, Clients, Converge, Values

#: A connection that is never made.
NOWHERE = {"ansible_connection": "ssh", "ansible_ssh_executable": "/bin/false"}


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def emulator(wire: Wire) -> Iterator[Emulator]:
    emulator = Emulator(0, middleware=wire.around)
    emulator.start()
    yield emulator
    emulator.stop()


@pytest.fixture
def builder(client: Clients, subnets: list[str]) -> str:
    wanted = {"ImageId": DEBIAN_13_IMAGE_ID, "MinCount": 1, "MaxCount": 1, "SubnetId": subnets[0]}
    builder: str = client("ec2").run_instances(**wanted)["Instances"][0]["InstanceId"]
    return builder


@pytest.fixture
def variables(builder: str) -> Values:
    """What the stage `finish` is given, and what the stages before it have found."""
    return {
        "aws_image_name": "stack",
        "aws_image_tags": TAGS,
        "aws_image_builder_id": builder,
        "aws_image_builder_sealed": True,
        "aws_image_poll_seconds": 1,
        "aws_image_wait_seconds": 10,
        "__aws_image_digest": "0123456789abcdef",
        "__aws_image_base_id": DEBIAN_13_IMAGE_ID,
        "__aws_image_own": {"images": []},
    }


def state(client: Clients, builder: str) -> str:
    found = client("ec2").describe_instances(InstanceIds=[builder])["Reservations"][0]["Instances"][0]
    name: str = found["State"]["Name"]
    return name


def refuse(code: str) -> Fault:
    def answer(passing: Passing) -> Iterable[bytes]:
        return passing.refuse(400, code, "As the test has it")

    return answer


def asks_by_id(request: ApiRequest) -> bool:
    return request.action == "DescribeImages" and any(name.startswith("ImageId") for name in request.parameters)


def test_an_image_that_is_not_known_everywhere_yet_is_awaited(
    converge: Converge, client: Clients, wire: Wire, builder: str, variables: Values
) -> None:
    wire.follow(lambda request: refuse("InvalidAMIID.NotFound") if asks_by_id(request) else None)
    made = converge("aws_image", variables, stage="finish")
    assert wire.done
    assert not made.failed, made.messages
    assert "create | Make the image" in made.changed
    (image,) = client("ec2").describe_images(Owners=["self"])["Images"]
    assert made.result["image_id"] == image["ImageId"]
    assert made.result["baked"]
    assert state(client, builder) in {"shutting-down", "terminated"}


def test_a_builder_is_needed_until_its_image_is_there(
    converge: Converge, client: Clients, wire: Wire, builder: str, variables: Values
) -> None:
    """The making fails for all that the run hears, and goes on."""
    ended: list[str] = []
    asked = 0

    def images() -> list[Values]:
        found: list[Values] = client("ec2").describe_images(Owners=["self"])["Images"]
        return found

    def make(passing: Passing) -> Iterable[bytes]:
        passing.swallow()
        for image in images():
            backchannel.set_image_state(image["ImageId"], "pending")
        return passing.refuse(400, "OperationNotPermitted", "As the test has it")

    def plan(request: ApiRequest) -> Fault | None:
        nonlocal asked
        if request.action == "CreateImage":
            return make
        if request.action == "DescribeImages" and any("Filter" in name for name in request.parameters):
            asked += 1
            if asked == 3:
                for image in images():
                    backchannel.set_image_state(image["ImageId"], "available")
        if request.action == "TerminateInstances":
            ended.extend(one["State"] for one in images())
        return None

    wire.follow(plan)
    made = converge("aws_image", variables, stage="finish")
    assert made.failed
    assert "Failed to create image" in made.messages
    assert asked >= 3
    assert ended == ["available"]
    assert state(client, builder) in {"shutting-down", "terminated"}


def test_a_builder_that_failed_is_removed_without_an_image(
    converge: Converge, client: Clients, builder: str, variables: Values
) -> None:
    made = converge("aws_image", {**variables, "aws_image_builder_sealed": False}, stage="finish")
    assert made.failed
    assert client("ec2").describe_images(Owners=["self"])["Images"] == []
    assert state(client, builder) in {"shutting-down", "terminated"}


def test_a_builder_that_cannot_be_reached_says_where_to_look(converge: Converge) -> None:
    variables = {"aws_image_builder_id": "localhost", "aws_image_reach_seconds": 1, **NOWHERE}
    refused = converge("aws_image", variables, stage="reach")
    assert refused.failed
    said = " ".join(refused.messages.split())
    assert "could not be reached within 1 s" in said
    assert "aws ec2 get-console-output --output text --instance-id localhost" in said
