"""Parameter groups, which ElastiCache and RDS have alike: values of a family's parameters under a name of one's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Protocol, override

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

ARGUMENTS: Fields = {
    **STATE_ARGUMENTS,
    **TAG_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "family": {"type": "str"},
    "description": {"type": "str"},
    "parameters": {"type": "dict"},
    "purge_parameters": {"type": "bool", "default": True},
}


class Spelling(Protocol):
    """What distinguishes the two services where nothing is called."""

    service: ClassVar[str]
    yes_and_no: ClassVar[tuple[str, str]]


def parameter_text(value: object, spelling: Spelling | type[Spelling]) -> str:
    """A value as the service spells it; YAML reads ``yes`` as a boolean."""
    return spelling.yes_and_no[not value] if isinstance(value, bool) else str(value)


def desired_parameters(
    given: Mapping[str, object],
    known: Mapping[str, Mapping[str, Any]],
    live: Mapping[str, str],
    spelling: Spelling | type[Spelling],
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


class ParameterGroupApi(Protocol):
    """The calls, of either service."""

    def parameter_group(self, name: str) -> Fields | None:
        """``{family, description, arn}``, or None."""

    def parameters(self, name: str) -> list[Fields]:
        """Parameter of AWS, for every parameter of the group."""

    def parameters_of_family(self, family: str) -> list[Fields]:
        """Parameter of AWS, for every parameter that a new group of the family will have."""

    def create_parameter_group(self, name: str, family: str, description: str, tags: Mapping[str, str]) -> Fields:
        """Make it, with the family's defaults."""

    def set_parameters(self, name: str, values: Mapping[str, str], known: Mapping[str, Fields]) -> None:
        """Set these. ``known``: Parameter of AWS by name."""

    def reset_parameters(self, name: str, parameters: Sequence[str], known: Mapping[str, Fields]) -> None:
        """Give these the family's defaults back."""

    def delete_parameter_group(self, name: str) -> None:
        """Delete it; nothing when there is none."""

    def tags(self, arn: str) -> dict[str, str]:
        """The tags."""

    def change_tags(self, arn: str, to_set: Mapping[str, str], to_remove: Sequence[str]) -> None:
        """Set and remove tags."""


class ParameterGroup(Resource):
    """A parameter group. What it is for, and how its service spells a boolean, say the classes of the modules."""

    result_key = "parameter_group"
    service: ClassVar[str]
    holder: ClassVar[str]
    yes_and_no: ClassVar[tuple[str, str]]

    def __init__(self, api: ParameterGroupApi, params: Fields) -> None:
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
                given, known, have.get("parameters", {}), type(self), purge=self.params["purge_parameters"]
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
            raise RefusalError(f"{self.service} knows no family {family}.")
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
