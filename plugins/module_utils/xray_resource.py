"""What the resources of X-Ray have in common: a name, an ARN, and tags that are asked for and set on their own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import override

from ansible_collections.slipway.aws.plugins.module_utils.aws import Api
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import (
    Change,
    Fields,
    Live,
    RefusalError,
    Resource,
    desired_tags,
    tag_delta,
)

NAME_CHARACTERS = 32


class XRayResource(Resource):
    """A resource of X-Ray, by its parameters; ``wanted``, ``find`` and the calls that write are its own."""

    def __init__(self, api: Api, params: Fields) -> None:
        self.api = api
        self.params = params

    @property
    @override
    def name(self) -> str:
        return str(self.params["name"])

    @abstractmethod
    def wanted(self) -> Fields:
        """The desired fields but for the tags."""

    @abstractmethod
    def change(self, desired: Fields) -> None:
        """Write the fields of one that exists."""

    def live(self, arn: str, fields: Fields) -> Live:
        """What was found, with its tags when they are spoken of."""
        if self.params["tags"] is None:
            return Live(fields, {"arn": arn})
        tags = self.api.pages(f"read the tags of {self.name}", "list_tags_for_resource", "Tags", ResourceARN=arn)
        return Live({**fields, "tags": {tag["Key"]: tag["Value"] for tag in tags}}, {"arn": arn})

    def found(self) -> Live:
        """The same, when it has to be there."""
        live = self.find()
        if live is None:
            raise RefusalError(f"The {self.kind} {self.name} was deleted while it was being changed.")
        return live

    def refuse_name(self) -> None:
        """botocore holds a text against its shortest length alone."""
        if len(self.name) > NAME_CHARACTERS:
            raise RefusalError(f"{self.name} has {len(self.name)} characters; X-Ray takes {NAME_CHARACTERS} in a name.")

    def tags_of(self, desired: Fields) -> Fields:
        """The tags of a request that creates."""
        tags = [{"Key": name, "Value": value} for name, value in desired.get("tags", {}).items() if value is not None]
        return {"Tags": tags} if tags else {}

    @override
    def desired(self, live: Live | None) -> Fields:
        have = live.fields.get("tags", {}) if live else {}
        tags = desired_tags(have, self.params["tags"], purge=self.params["purge_tags"])
        return {**self.wanted(), **({"tags": tags} if tags else {})}

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        to_set, to_remove = tag_delta(live.fields.get("tags", {}), desired.get("tags", {}))
        arn = live.raw["arn"]
        if to_remove:
            self.api.call(f"untag {self.name}", "untag_resource", ResourceARN=arn, TagKeys=to_remove)
        if to_set:
            tags = [{"Key": key, "Value": value} for key, value in to_set.items()]
            self.api.call(f"tag {self.name}", "tag_resource", ResourceARN=arn, Tags=tags)
        if any(not change.field.startswith("tags") for change in changes):
            self.change(desired)
        return self.found()

    @override
    def result(self, live: Live) -> Fields:
        return {"name": self.name, "arn": live.raw["arn"], **live.fields}

    @override
    def predicted(self, desired: Fields) -> Fields:
        return {"name": self.name, "arn": None, **desired}
