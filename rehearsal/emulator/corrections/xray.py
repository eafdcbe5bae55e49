"""X-Ray: groups, sampling rules and their tags, which moto lacks, and no more traces than one looks at."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from typing import Any

from moto.xray import urls
from moto.xray.models import SegmentCollection
from moto.xray.responses import XRayResponse

from .registry import correct

#: The account lives in memory.
TRACES_KEPT = 1_000

Answer = tuple[str, dict[str, str | int]]

_put_segment = SegmentCollection.put_segment


@correct(SegmentCollection, "put_segment")
def put_segment(self: SegmentCollection, segment: Any) -> None:
    """AWS keeps traces for thirty days: https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html"""
    _put_segment(self, segment)
    while len(self._traces) > TRACES_KEPT:
        del self._traces[next(iter(self._traces))]


def _stored(response: XRayResponse, kind: str) -> dict[str, Any]:
    """What the account has of a kind: "groups" and "rules" by name, "tags" by ARN."""
    stored: dict[str, Any] = response.xray_backend.__dict__.setdefault(f"slipway_{kind}", {})
    if kind == "rules" and not stored:
        # https://docs.aws.amazon.com/xray/latest/devguide/xray-console-sampling.html#xray-console-sampling-options
        default = {"RuleName": "Default", "RuleARN": _arn(response, "sampling-rule/Default"), "ResourceARN": "*"}
        any_of = dict.fromkeys(("ServiceName", "ServiceType", "Host", "HTTPMethod", "URLPath"), "*")
        numbers = {"Priority": 10000, "FixedRate": 0.05, "ReservoirSize": 1, "Version": 1}
        stored["Default"] = {"SamplingRule": default | any_of | numbers, "CreatedAt": 0.0, "ModifiedAt": 0.0}
    return stored


def _arn(response: XRayResponse, resource: str) -> str:
    return f"arn:aws:xray:{response.region}:{response.current_account}:{resource}"


def _answer(body: Any) -> Answer:
    return json.dumps(body), {"Content-Type": "application/json"}


def _refusal(message: str, code: str = "InvalidRequestException", status: int = 400) -> Answer:
    headers: dict[str, str | int] = {"Content-Type": "application/json", "x-amzn-ErrorType": code, "status": status}
    return json.dumps({"Message": message}), headers


def _action(name: str) -> Callable[[Callable[[XRayResponse], Answer]], Callable[[XRayResponse], Answer]]:
    """Answer an operation whose path is its name, which moto then takes for the name of a method."""
    urls.url_paths[f"{{0}}/{name}$"] = XRayResponse.dispatch
    return correct(XRayResponse, "".join(f"_{one.lower()}" if one.isupper() else one for one in name).lstrip("_"))


# -- groups --------------------------------------------------------------------------------------------------


def _find_group(self: XRayResponse) -> dict[str, Any] | None:
    name, arn = self._get_param("GroupName"), self._get_param("GroupARN")
    return next(
        (one for one in _stored(self, "groups").values() if name == one["GroupName"] or arn == one["GroupARN"]), None
    )


@_action("CreateGroup")
def create_group(self: XRayResponse) -> Answer:
    """https://docs.aws.amazon.com/xray/latest/api/API_CreateGroup.html"""
    name = self._get_param("GroupName")
    if name in _stored(self, "groups"):
        return _refusal("A group with the same name already exists.")
    arn = _arn(self, f"group/{name}/{secrets.token_hex(13).upper()}")
    group = {"GroupName": name, "GroupARN": arn, "FilterExpression": self._get_param("FilterExpression", "")}
    group["InsightsConfiguration"] = {"InsightsEnabled": False, "NotificationsEnabled": False}
    group["InsightsConfiguration"] |= self._get_param("InsightsConfiguration", {})
    _stored(self, "groups")[name] = group
    _stored(self, "tags")[arn] = {tag["Key"]: tag["Value"] for tag in self._get_param("Tags", [])}
    return _answer({"Group": group})


@_action("UpdateGroup")
def update_group(self: XRayResponse) -> Answer:
    """https://docs.aws.amazon.com/xray/latest/api/API_UpdateGroup.html"""
    group = _find_group(self)
    if group is None:
        return _refusal("Group not found")
    if (expression := self._get_param("FilterExpression")) is not None:
        group["FilterExpression"] = expression
    group["InsightsConfiguration"] |= self._get_param("InsightsConfiguration", {})
    return _answer({"Group": group})


@_action("GetGroup")
def get_group(self: XRayResponse) -> Answer:
    """https://docs.aws.amazon.com/xray/latest/api/API_GetGroup.html"""
    group = _find_group(self)
    return _refusal("Group not found") if group is None else _answer({"Group": group})


@_action("Groups")
def groups(self: XRayResponse) -> Answer:
    """https://docs.aws.amazon.com/xray/latest/api/API_GetGroups.html"""
    return _answer({"Groups": list(_stored(self, "groups").values())})


@_action("DeleteGroup")
def delete_group(self: XRayResponse) -> Answer:
    """https://docs.aws.amazon.com/xray/latest/api/API_DeleteGroup.html"""
    group = _find_group(self)
    if group is None:
        return _refusal("Group not found")
    del _stored(self, "groups")[group["GroupName"]]
    _stored(self, "tags").pop(group["GroupARN"], None)
    return _answer({})


# -- sampling rules ------------------------------------------------------------------------------------------


def _find_rule(self: XRayResponse, named: dict[str, Any]) -> dict[str, Any] | None:
    name, arn = named.get("RuleName"), named.get("RuleARN")
    rules = _stored(self, "rules").values()
    return next(
        (one for one in rules if name == one["SamplingRule"]["RuleName"] or arn == one["SamplingRule"]["RuleARN"]), None
    )


@_action("CreateSamplingRule")
def create_sampling_rule(self: XRayResponse) -> Answer:
    """https://docs.aws.amazon.com/xray/latest/api/API_CreateSamplingRule.html"""
    wanted = dict(self._get_param("SamplingRule"))
    if _find_rule(self, wanted) is not None:
        return _refusal("A sampling rule with the same name already exists.")
    if not 1 <= wanted["Priority"] <= 9999 or not 0 <= wanted["FixedRate"] <= 1:
        return _refusal("Priority must be between 1 and 9999, FixedRate between 0 and 1.")
    wanted["RuleARN"] = _arn(self, f"sampling-rule/{wanted['RuleName']}")
    record = {"SamplingRule": wanted, "CreatedAt": time.time(), "ModifiedAt": time.time()}
    _stored(self, "rules")[wanted["RuleName"]] = record
    _stored(self, "tags")[wanted["RuleARN"]] = {tag["Key"]: tag["Value"] for tag in self._get_param("Tags", [])}
    return _answer({"SamplingRuleRecord": record})


@_action("UpdateSamplingRule")
def update_sampling_rule(self: XRayResponse) -> Answer:
    """Of the default rule only rate and reservoir.

    https://docs.aws.amazon.com/xray/latest/api/API_UpdateSamplingRule.html
    """
    wanted = dict(self._get_param("SamplingRuleUpdate"))
    record = _find_rule(self, wanted)
    if record is None:
        return _refusal("Sampling rule does not exist.")
    numbers = {"RuleName", "RuleARN", "FixedRate", "ReservoirSize"}
    if record["SamplingRule"]["RuleName"] == "Default" and set(wanted) - numbers:
        return _refusal("Only FixedRate and ReservoirSize of the default rule can be changed.")
    record["SamplingRule"] |= {name: value for name, value in wanted.items() if name not in ("RuleName", "RuleARN")}
    record["ModifiedAt"] = time.time()
    return _answer({"SamplingRuleRecord": record})


@_action("GetSamplingRules")
def get_sampling_rules(self: XRayResponse) -> Answer:
    """https://docs.aws.amazon.com/xray/latest/api/API_GetSamplingRules.html"""
    return _answer({"SamplingRuleRecords": list(_stored(self, "rules").values())})


@_action("DeleteSamplingRule")
def delete_sampling_rule(self: XRayResponse) -> Answer:
    """https://docs.aws.amazon.com/xray/latest/api/API_DeleteSamplingRule.html"""
    record = _find_rule(self, self.request_params)
    if record is None or record["SamplingRule"]["RuleName"] == "Default":
        return _refusal("The rule does not exist, or is the default rule, which cannot be deleted.")
    del _stored(self, "rules")[record["SamplingRule"]["RuleName"]]
    _stored(self, "tags").pop(record["SamplingRule"]["RuleARN"], None)
    return _answer({"SamplingRuleRecord": record})


# -- tags ----------------------------------------------------------------------------------------------------


def _tags(self: XRayResponse) -> dict[str, str] | None:
    tags: dict[str, str] | None = _stored(self, "tags").get(self._get_param("ResourceARN"))
    return tags


_NOBODY = ("The resource was not found.", "ResourceNotFoundException", 404)


@_action("ListTagsForResource")
def list_tags_for_resource(self: XRayResponse) -> Answer:
    """https://docs.aws.amazon.com/xray/latest/api/API_ListTagsForResource.html"""
    tags = _tags(self)
    if tags is None:
        return _refusal(*_NOBODY)
    return _answer({"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]})


@_action("TagResource")
def tag_resource(self: XRayResponse) -> Answer:
    """https://docs.aws.amazon.com/xray/latest/api/API_TagResource.html"""
    tags = _tags(self)
    if tags is None:
        return _refusal(*_NOBODY)
    tags |= {tag["Key"]: tag["Value"] for tag in self._get_param("Tags")}
    return _answer({})


@_action("UntagResource")
def untag_resource(self: XRayResponse) -> Answer:
    """https://docs.aws.amazon.com/xray/latest/api/API_UntagResource.html"""
    tags = _tags(self)
    if tags is None:
        return _refusal(*_NOBODY)
    for key in self._get_param("TagKeys"):
        tags.pop(key, None)
    return _answer({})
