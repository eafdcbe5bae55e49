"""Calls of the RDS API. https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/Welcome.html"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.slipway.aws.plugins.module_utils.aws import Api
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Fields

PARAMETERS_PER_CALL = 20
#: An instance that is being changed keeps its parameter group from a change for a while.
AT_WORK = ("InvalidDBParameterGroupState",)


class RdsApi(Api):
    """One method per call; every one raises AnsibleAWSError, none decides anything."""

    def parameter_group(self, name: str) -> Fields | None:
        """``{family, description, arn}`` of a DBParameterGroup, or None."""
        answer = self.call_if_exists(
            f"describe the DB parameter group {name}",
            "describe_db_parameter_groups",
            missing=("DBParameterGroupNotFound",),
            DBParameterGroupName=name,
        )
        for group in answer["DBParameterGroups"] if answer else []:
            family, description = group["DBParameterGroupFamily"], group.get("Description", "")
            return {"family": family, "description": description, "arn": group["DBParameterGroupArn"]}
        return None

    def parameters(self, name: str) -> list[Fields]:
        """Parameter of AWS, for every parameter of the group."""
        return self.pages(
            f"list the parameters of {name}", "describe_db_parameters", "Parameters", DBParameterGroupName=name
        )

    def parameters_of_family(self, family: str) -> list[Fields]:
        """Parameter of AWS, for every parameter that a new group of the family will have."""
        return self.pages(
            f"list the parameters of the family {family}",
            "describe_engine_default_parameters",
            "EngineDefaults.Parameters",
            DBParameterGroupFamily=family,
        )

    def create_parameter_group(self, name: str, family: str, description: str, tags: Mapping[str, str]) -> Fields:
        answer = self.call(
            f"create the DB parameter group {name}",
            "create_db_parameter_group",
            DBParameterGroupName=name,
            DBParameterGroupFamily=family,
            Description=description,
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )
        group: Fields = answer["DBParameterGroup"]
        return group

    def set_parameters(self, name: str, values: Mapping[str, str], known: Mapping[str, Fields]) -> None:
        given = [
            {"ParameterName": key, "ParameterValue": value, "ApplyMethod": apply_method(known[key])}
            for key, value in values.items()
        ]
        for begin in range(0, len(given), PARAMETERS_PER_CALL):
            self.call(
                f"set parameters of {name}",
                "modify_db_parameter_group",
                retry_on=AT_WORK,
                DBParameterGroupName=name,
                Parameters=given[begin : begin + PARAMETERS_PER_CALL],
            )

    def reset_parameters(self, name: str, parameters: Sequence[str], known: Mapping[str, Fields]) -> None:
        given = [{"ParameterName": key, "ApplyMethod": apply_method(known[key])} for key in parameters]
        for begin in range(0, len(given), PARAMETERS_PER_CALL):
            self.call(
                f"reset parameters of {name}",
                "reset_db_parameter_group",
                retry_on=AT_WORK,
                DBParameterGroupName=name,
                ResetAllParameters=False,
                Parameters=given[begin : begin + PARAMETERS_PER_CALL],
            )

    def delete_parameter_group(self, name: str) -> None:
        # An instance that was just deleted keeps its parameter group in use for a while.
        self.call_if_exists(
            f"delete the DB parameter group {name}",
            "delete_db_parameter_group",
            missing=("DBParameterGroupNotFound",),
            retry_on=AT_WORK,
            DBParameterGroupName=name,
        )

    def tags(self, arn: str) -> dict[str, str]:
        answer = self.call(f"list the tags of {arn}", "list_tags_for_resource", ResourceName=arn)
        return {tag["Key"]: tag.get("Value", "") for tag in answer.get("TagList") or []}

    def change_tags(self, arn: str, to_set: Mapping[str, str], to_remove: Sequence[str]) -> None:
        if to_remove:
            self.call(f"untag {arn}", "remove_tags_from_resource", ResourceName=arn, TagKeys=list(to_remove))
        if to_set:
            tags = [{"Key": key, "Value": value} for key, value in to_set.items()]
            self.call(f"tag {arn}", "add_tags_to_resource", ResourceName=arn, Tags=tags)


def apply_method(parameter: Mapping[str, object]) -> str:
    """How a change of a Parameter of AWS may be asked for: RDS takes no static one at once.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_Parameter.html
    """
    return "pending-reboot" if parameter.get("ApplyType") == "static" else "immediate"
