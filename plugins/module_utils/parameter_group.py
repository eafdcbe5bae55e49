"""Parameter groups, which ElastiCache and RDS have alike: values of a family's parameters under a name of one's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, override

from ansible_collections.slipway.aws.plugins.module_utils.aws import STATE_ARGUMENTS, TAG_ARGUMENTS
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import (
    Change,
    Fields,
    Live,
    RefusalError,
    Resource,
    desired_tags,
    nearest,
    tag_delta,
)
from ansible_collections.slipway.aws.plugins.module_utils.elasticache_api import ElastiCacheApi
from ansible_collections.slipway.aws.plugins.module_utils.rds_api import RdsApi

ARGUMENTS: Fields = {
    **STATE_ARGUMENTS,
    **TAG_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "family": {"type": "str"},
    "description": {"type": "str"},
    "parameters": {"type": "dict"},
    "purge_parameters": {"type": "bool", "default": True},
}


class Spelling(NamedTuple):
    """How a service is called, and how it writes the two booleans."""

    service: str
    yes: str
    no: str


def parameter_text(value: object, spelling: Spelling) -> str:
    """A value as the service spells it; YAML reads ``yes`` as a boolean."""
    if isinstance(value, bool):
        return spelling.yes if value else spelling.no
    return str(value)


def desired_parameters(
    given: Mapping[str, object],
    known: Mapping[str, Mapping[str, Any]],
    live: Mapping[str, str],
    spelling: Spelling,
    *,
    purge: bool,
) -> Fields:
    """Parameter → value to have, null to reset. ``known``: Parameter of AWS by name; ``live``: what a user has set.

    Raises RefusalError for a name that the family does not have, a value that it does not allow, or one that is fixed.
    """
    wanted = {name: parameter_text(value, spelling) for name, value in given.items()}
    for name, value in wanted.items():
        parameter = known.get(name)
        if parameter is None:
            raise RefusalError(f"The family has no parameter {name}.{nearest(name, known)}")
        if parameter.get("IsModifiable") is False:
            raise RefusalError(f"The parameter {name} cannot be changed: take it out of parameters.")
        _refuse_value(name, value, parameter, spelling.service)
    return {**{name: None for name in live if purge and name not in given}, **wanted}


def _refuse_value(name: str, value: str, parameter: Mapping[str, Any], service: str) -> None:
    allowed = parameter.get("AllowedValues")
    # RDS computes what is written in braces: {DBInstanceClassMemory/32768}.
    if not allowed or "{" in value:
        return
    if parameter.get("DataType") == "integer":
        bounds = re.fullmatch(r"(-?\d+)-(-?\d+)", allowed)
        inside = bounds and re.fullmatch(r"-?\d+", value) and int(bounds[1]) <= int(value) <= int(bounds[2])
        if bounds and not inside:
            raise RefusalError(f"{name} is {value}; {service} takes {allowed}.")
        return
    choices = allowed.split(",")
    for one in value.split(",") if parameter.get("DataType") == "list" else [value]:
        if len(choices) > 1 and one not in choices:
            raise RefusalError(f"{name} is {value}; {service} takes one of {allowed}.{nearest(one, choices)}")


def user_parameters(parameters: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What somebody has set, by name; the rest are the family's defaults."""
    return {
        item["ParameterName"]: item.get("ParameterValue", "") for item in parameters if item.get("Source") == "user"
    }


class ParameterGroup(Resource):
    """A parameter group. What it is for (``holder``), and how its service spells, say the classes of the modules."""

    result_key = "parameter_group"
    holder: ClassVar[str]
    spelling: ClassVar[Spelling]

    def __init__(self, api: ElastiCacheApi | RdsApi, params: Fields) -> None:
        self.api = api
        self.params = params

    @property
    @override
    def name(self) -> str:
        return str(self.params["name"])

    @override
    def find(self) -> Live | None:
        group = self.api.parameter_group(self.name)
        return self._live(group) if group else None

    def _live(self, group: Fields) -> Live:
        parameters = self.api.parameters(self.name)
        fields = {
            "family": group["family"],
            "description": group["description"],
            "parameters": user_parameters(parameters),
        }
        if self.params["tags"] is not None:
            fields["tags"] = self.api.tags(group["arn"])
        return Live(fields, {"arn": group["arn"], "known": {item["ParameterName"]: item for item in parameters}})

    @override
    def desired(self, live: Live | None) -> Fields:
        have = live.fields if live else {}
        fields = {name: self.params[name] for name in ("family", "description") if self.params[name] is not None}
        if live is None:
            fields.setdefault("description", self.name)
        given = self.params["parameters"]
        if given is not None:
            known = live.raw["known"] if live else self._family
            parameters = desired_parameters(
                given, known, have.get("parameters", {}), self.spelling, purge=self.params["purge_parameters"]
            )
            if parameters:
                fields["parameters"] = parameters
        tags = desired_tags(have.get("tags", {}), self.params["tags"], purge=self.params["purge_tags"])
        return {**fields, **({"tags": tags} if tags else {})}

    @cached_property
    def _family(self) -> dict[str, Fields]:
        family = self.params["family"]
        known = {item["ParameterName"]: item for item in self.api.parameters_of_family(family)}
        if not known:
            raise RefusalError(f"{self.spelling.service} knows no family {family}.")
        return known

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        for change in changes if live else ():
            if change.field in ("family", "description"):
                raise RefusalError(
                    f"{change.field} of {self.name} is {change.before} and cannot become {change.after}: make a new "
                    f"parameter group under another name, give it to {self.holder}, then delete this one."
                )

    @override
    def create(self, desired: Fields) -> Live:
        self.api.create_parameter_group(self.name, desired["family"], desired["description"], desired.get("tags", {}))
        if parameters := desired.get("parameters"):
            self.api.set_parameters(self.name, parameters, self._family)
        return self._found()

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        to_set, to_remove = tag_delta(live.fields.get("tags", {}), desired.get("tags", {}))
        self.api.change_tags(live.raw["arn"], to_set, to_remove)
        values, reset = tag_delta(live.fields["parameters"], desired.get("parameters", {}))
        self.api.reset_parameters(self.name, reset, live.raw["known"])
        self.api.set_parameters(self.name, values, live.raw["known"])
        return self._found()

    def _found(self) -> Live:
        live = self.find()
        if live is None:
            raise RefusalError(f"The {self.kind} {self.name} was deleted while it was being changed.")
        return live

    @override
    def delete(self, live: Live) -> Live | None:
        self.api.delete_parameter_group(self.name)
        return None

    @override
    def result(self, live: Live) -> Fields:
        return {"name": self.name, "arn": live.raw["arn"], **live.fields}

    @override
    def predicted(self, desired: Fields) -> Fields:
        return {"name": self.name, "arn": None, "parameters": {}, **desired}
