"""The modules of X-Ray, whole, against the emulated account."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Answer, Call, client, succeeded

TAGS = {"Project": "slipway"}
GROUP: Answer = {"name": "stack", "filter_expression": 'service("stack")', "tags": TAGS}
RULE: Answer = {"name": "stack", "priority": 1000, "fixed_rate": 0.05, "service_name": "stack", "tags": TAGS}


def fields(answer: Answer) -> dict[str, Any]:
    return {change["field"]: (change["from"], change["to"]) for change in answer["changes"]}


@pytest.mark.parametrize(
    ("module", "key", "options", "changed", "told"),
    [
        (
            "xray_group",
            "group",
            GROUP,
            {"filter_expression": 'service("stack") AND fault', "insights_enabled": True},
            {"filter_expression": ('service("stack")', 'service("stack") AND fault')},
        ),
        ("xray_sampling_rule", "sampling_rule", RULE, {"fixed_rate": 0.5}, {"fixed_rate": (0.05, 0.5)}),
        (
            "xray_sampling_rule",
            "sampling_rule",
            RULE,
            {"tags": {"Project": "shop"}},
            {"tags.Project": ("slipway", "shop")},
        ),
    ],
)
def test_through_its_life(call: Call, module: str, key: str, options: Answer, changed: Answer, told: Any) -> None:
    foretold = succeeded(call(module, check=True, **options))
    assert foretold["changed"]
    assert foretold[key]["arn"] is None
    assert succeeded(call(module, state="absent", name="stack"))["changed"] is False

    made = succeeded(call(module, **options))
    assert made["changed"]
    assert made[key]["arn"].startswith("arn:aws:xray:eu-west-1:123456789012:")
    assert made[key]["tags"] == TAGS
    assert not succeeded(call(module, **options))["changed"]

    expected = succeeded(call(module, check=True, **options | changed))
    assert fields(expected).items() >= told.items()
    assert not succeeded(call(module, **options))["changed"]
    done = succeeded(call(module, **options | changed))
    assert fields(done) == fields(expected)
    assert done[key] == expected[key]
    assert not succeeded(call(module, **options | changed))["changed"]

    assert succeeded(call(module, check=True, state="absent", name="stack"))["changed"]
    assert succeeded(call(module, state="absent", name="stack"))["changed"]
    assert not succeeded(call(module, state="absent", name="stack"))["changed"]


def test_what_x_ray_refuses_is_refused_in_check_mode(call: Call) -> None:
    for wrong, why in (
        ({"priority": 0}, "AWS would not take this CreateSamplingRule request"),
        ({"priority": 10_000}, "priorities from 1 to 9999"),
        ({"fixed_rate": 1.01}, "rates from 0 to 1"),
        ({"name": "n" * 33}, "takes 32 in a name"),
    ):
        refused = call("xray_sampling_rule", check=True, **RULE | wrong)
        assert why in refused["msg"]
    assert "takes 32 in a name" in call("xray_group", check=True, **GROUP | {"name": "n" * 33})["msg"]


def test_rules_of_others_stay(call: Call) -> None:
    succeeded(call("xray_sampling_rule", **RULE))
    succeeded(call("xray_sampling_rule", state="absent", name="stack"))
    left = client("xray").get_sampling_rules()["SamplingRuleRecords"]
    assert [one["SamplingRule"]["RuleName"] for one in left] == ["Default"]
