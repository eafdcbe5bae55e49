"""The builder of the machine image, as far as an account without hosts has one."""

from __future__ import annotations

from .conftest import Converge

#: A connection that is never made.
NOWHERE = {"ansible_connection": "ssh", "ansible_ssh_executable": "/bin/false"}


def test_a_builder_that_cannot_be_reached_says_where_to_look(converge: Converge) -> None:
    variables = {"aws_image_builder_id": "localhost", "aws_image_reach_seconds": 1, **NOWHERE}
    refused = converge("aws_image", variables, stage="reach")
    assert refused.failed
    said = " ".join(refused.messages.split())
    assert "could not be reached within 1 s" in said
    assert "aws ec2 get-console-output --output text --instance-id localhost" in said
