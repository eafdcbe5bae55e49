"""What lies below a path of the Parameter Store, whole, against the emulated account."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Answer, Call, client, succeeded

PREFIX = "/stack/application/"


@pytest.fixture(autouse=True)
def neighbour() -> None:
    """What lies beside the path, and nothing below it."""
    ssm = client("ssm")
    for name in live():
        ssm.delete_parameter(Name=name)
    ssm.put_parameter(Name="/stack/release", Value="7", Type="String")


def options(**more: Any) -> Answer:
    return {
        "prefix": PREFIX,
        "parameters": [{"name": f"NAME_{number}", "value": f"value {number}"} for number in range(23)],
        "tags": {"Project": "slipway"},
        **more,
    }


def live() -> dict[str, str]:
    pages = client("ssm").get_paginator("get_parameters_by_path").paginate(Path="/stack", Recursive=True)
    return {one["Name"]: one["Value"] for page in pages for one in page["Parameters"]}


def test_more_of_them_than_a_page_has(call: Call) -> None:
    foretold = succeeded(call("ssm_parameters", check=True, **options()))
    assert len(foretold["changes"]) == 23
    assert set(live()) == {"/stack/release"}
    succeeded(call("ssm_parameters", **options()))
    for check in (True, False):
        assert succeeded(call("ssm_parameters", check=check, **options()))["changes"] == []
    assert live() == {"/stack/release": "7"} | {f"{PREFIX}NAME_{number}": f"value {number}" for number in range(23)}


def test_one_value_and_one_tag_change_and_the_others_are_not_written(call: Call) -> None:
    succeeded(call("ssm_parameters", **options()))
    ssm = client("ssm")
    ssm.add_tags_to_resource(
        ResourceType="Parameter", ResourceId=f"{PREFIX}NAME_2", Tags=[{"Key": "Hand", "Value": "made"}]
    )
    changed = options()
    changed["parameters"][1]["value"] = "another"
    told = succeeded(call("ssm_parameters", **changed))["changes"]
    assert {change["field"] for change in told} == {
        f"parameters[{PREFIX}NAME_1].value",
        f"parameters[{PREFIX}NAME_2].tags.Hand",
    }
    versions = [ssm.get_parameter(Name=f"{PREFIX}NAME_{number}")["Parameter"]["Version"] for number in range(3)]
    assert versions == [1, 2, 1]
    assert succeeded(call("ssm_parameters", **changed))["changes"] == []


def test_what_nobody_wants_goes(call: Call) -> None:
    succeeded(call("ssm_parameters", **options()))
    fewer = options(parameters=options()["parameters"][:1])
    assert len(succeeded(call("ssm_parameters", **fewer))["changes"]) == 22
    assert set(live()) == {"/stack/release", f"{PREFIX}NAME_0"}
    succeeded(call("ssm_parameters", **options(parameters=[])))
    assert set(live()) == {"/stack/release"}


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"prefix": "/"}, "begins and ends with a slash"),
        ({"prefix": "/stack"}, "begins and ends with a slash"),
        ({"parameters": [{"name": "A", "value": ""}]}, "/stack/application/A is empty"),
        ({"parameters": [{"name": "A", "value": "x" * 4097}]}, "has 4097 characters"),
        ({"parameters": [{"name": "A", "value": "x"}, {"name": "A", "value": "y"}]}, "is listed twice"),
    ],
)
def test_what_aws_would_refuse_is_refused(call: Call, check: bool, wrong: Answer, says: str) -> None:
    refused = call("ssm_parameters", check=check, **options(**wrong))
    assert refused["failed"]
    assert says in refused["msg"]
    assert set(live()) == {"/stack/release"}
