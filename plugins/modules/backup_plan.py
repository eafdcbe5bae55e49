#!/usr/bin/python
"""Ansible module: a plan of AWS Backup, with what it backs up."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_plan
version_added: 0.1.0
short_description: Create, update and delete plans of AWS Backup, with their selections
description:
  - M(amazon.aws.backup_plan) says C(changed) in check mode whenever a plan has tags, and M(amazon.aws.backup_selection)
    fails in check mode for a plan that does not exist yet.
  - A plan is found by its name. A selection cannot be changed; one that differs is deleted and made again.
author: Slipway
options:
  name:
    description: The name, unique in the account and region.
    type: str
    required: true
  state:
    description: Whether it shall exist. What was backed up stays in the vault.
  rules:
    description: When it backs up, and how long it keeps what. Required when O(state=present).
    type: list
    elements: dict
    suboptions:
      name:
        description: The name, unique in the plan.
        type: str
        required: true
      vault:
        description: Name of the vault.
        type: str
        required: true
      schedule:
        description: In UTC, such as V(cron(0 3 * * ? *\)).
        type: str
        required: true
      delete_after_days:
        description: Days after which a backup is deleted.
        type: int
        required: true
      start_window_minutes:
        description: Minutes within which it begins, 60 at least.
        type: int
        default: 60
      completion_window_minutes:
        description: Minutes within which it ends.
        type: int
        default: 480
      recovery_point_tags:
        description: Tags of every backup.
        type: dict
        default: {}
  selections:
    description: What it backs up, all of it. Required when O(state=present).
    type: list
    elements: dict
    suboptions:
      name:
        description: The name, unique in the plan.
        type: str
        required: true
      role_arn:
        description: Role with which AWS Backup works.
        type: str
        required: true
      resources:
        description: ARNs, with C(*) for anything.
        type: list
        elements: str
        required: true
      resource_tags:
        description: Tags that a resource has to have, all of them.
        type: dict
        default: {}
extends_documentation_fragment:
  - slipway.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Back up the database every night
  slipway.aws.backup_plan:
    name: slipway-staging
    rules:
      - name: daily
        vault: slipway-staging
        schedule: cron(0 3 * * ? *)
        delete_after_days: 35
    selections:
      - name: database
        role_arn: arn:aws:iam::123456789012:role/slipway-staging-backup
        resources: ["arn:aws:rds:*:*:db:slipway-staging"]
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: "rules[daily].delete_after_days", from: 35, to: 7}]
plan:
  description: The plan as it is now; empty when it is absent.
  returned: always
  type: dict
  contains:
    id:
      description: The id; null in check mode as long as it does not exist.
      type: str
    arn:
      description: The ARN; null in check mode as long as it does not exist.
      type: str
    name:
      description: The name.
      type: str
    rules:
      description: When it backs up.
      type: list
      elements: dict
    selections:
      description: What it backs up.
      type: list
      elements: dict
    tags:
      description: The tags, when O(tags) is set.
      type: dict
"""

from collections.abc import Sequence
from typing import ClassVar, override

from ansible_collections.slipway.aws.plugins.module_utils.aws import (
    STATE_ARGUMENTS,
    TAG_ARGUMENTS,
    Api,
    aws_module,
    run,
)
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import (
    Change,
    Fields,
    Layout,
    Live,
    RefusalError,
    Resource,
    desired_tags,
    differences,
    tag_delta,
)

ARGUMENTS: Fields = {
    **STATE_ARGUMENTS,
    **TAG_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "rules": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "vault": {"type": "str", "required": True},
            "schedule": {"type": "str", "required": True},
            "delete_after_days": {"type": "int", "required": True},
            "start_window_minutes": {"type": "int", "default": 60},
            "completion_window_minutes": {"type": "int", "default": 480},
            "recovery_point_tags": {"type": "dict", "default": {}},
        },
    },
    "selections": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "role_arn": {"type": "str", "required": True},
            "resources": {"type": "list", "elements": "str", "required": True},
            "resource_tags": {"type": "dict", "default": {}},
        },
    },
}

TAG_PREFIX = "aws:ResourceTag/"


def rule_fields(live: Fields) -> Fields:
    """BackupRule of AWS as fields."""
    return {
        "name": live["RuleName"],
        "vault": live["TargetBackupVaultName"],
        "schedule": live.get("ScheduleExpression", ""),
        "delete_after_days": (live.get("Lifecycle") or {}).get("DeleteAfterDays", 0),
        "start_window_minutes": live.get("StartWindowMinutes"),
        "completion_window_minutes": live.get("CompletionWindowMinutes"),
        "recovery_point_tags": live.get("RecoveryPointTags") or {},
    }


def rule_request(fields: Fields) -> Fields:
    """BackupRuleInput of AWS. https://docs.aws.amazon.com/aws-backup/latest/devguide/API_BackupRuleInput.html"""
    tags = {name: str(value) for name, value in fields["recovery_point_tags"].items()}
    return {
        "RuleName": fields["name"],
        "TargetBackupVaultName": fields["vault"],
        "ScheduleExpression": fields["schedule"],
        "StartWindowMinutes": fields["start_window_minutes"],
        "CompletionWindowMinutes": fields["completion_window_minutes"],
        "Lifecycle": {"DeleteAfterDays": fields["delete_after_days"]},
        **({"RecoveryPointTags": tags} if tags else {}),
    }


def selection_fields(live: Fields) -> Fields:
    """BackupSelection of AWS as fields. Conditions of another form show as a tag that nobody asked for."""
    conditions = live.get("Conditions") or {}
    equal = conditions.get("StringEquals") or []
    tags = {one["ConditionKey"].removeprefix(TAG_PREFIX): one["ConditionValue"] for one in equal}
    foreign = [kind for kind, found in conditions.items() if kind != "StringEquals" and found]
    foreign += [kind for kind in ("NotResources", "ListOfTags") if live.get(kind)]
    return {
        "name": live["SelectionName"],
        "role_arn": live["IamRoleArn"],
        "resources": live.get("Resources") or [],
        "resource_tags": {**tags, **{f"({kind})": "?" for kind in foreign}},
    }


def selection_request(fields: Fields) -> Fields:
    """BackupSelection of AWS. All conditions have to hold, while of ``ListOfTags`` one would be enough.

    https://docs.aws.amazon.com/aws-backup/latest/devguide/API_BackupSelection.html
    """
    equal = [
        {"ConditionKey": f"{TAG_PREFIX}{name}", "ConditionValue": str(value)}
        for name, value in fields["resource_tags"].items()
    ]
    return {
        "SelectionName": fields["name"],
        "IamRoleArn": fields["role_arn"],
        "Resources": fields["resources"],
        **({"Conditions": {"StringEquals": equal}} if equal else {}),
    }


class BackupPlan(Resource):
    kind = "backup plan"
    result_key = "plan"
    layout: ClassVar[Layout] = Layout(keys={"rules": "name", "selections": "name"})

    def __init__(self, api: Api, params: Fields) -> None:
        self.api = api
        self.params = params

    @property
    @override
    def name(self) -> str:
        return str(self.params["name"])

    @override
    def find(self) -> Live | None:
        listed = self.api.pages("list the backup plans", "list_backup_plans", "BackupPlansList")
        identity = next((one["BackupPlanId"] for one in listed if one["BackupPlanName"] == self.name), None)
        return self._read(identity) if identity else None

    def _read(self, identity: str) -> Live:
        said = f"the backup plan {self.name}"
        plan = self.api.call(f"read {said}", "get_backup_plan", BackupPlanId=identity)
        listed = self.api.pages(
            f"list the selections of {said}", "list_backup_selections", "BackupSelectionsList", BackupPlanId=identity
        )
        ids = {one["SelectionName"]: one["SelectionId"] for one in listed}
        fields: Fields = {
            "rules": [rule_fields(rule) for rule in plan["BackupPlan"]["Rules"]],
            "selections": [
                selection_fields(
                    self.api.call(
                        f"read the selection {name} of {said}",
                        "get_backup_selection",
                        BackupPlanId=identity,
                        SelectionId=selection,
                    )["BackupSelection"]
                )
                for name, selection in ids.items()
            ],
        }
        arn = plan["BackupPlanArn"]
        if self.params["tags"] is not None:
            fields["tags"] = self.api.call(f"read the tags of {said}", "list_tags", ResourceArn=arn).get("Tags", {})
        settings = plan["BackupPlan"].get("AdvancedBackupSettings") or []
        return Live(fields, {"id": identity, "arn": arn, "selections": ids, "settings": settings})

    @override
    def desired(self, live: Live | None) -> Fields:
        have = live.fields.get("tags", {}) if live else {}
        tags = desired_tags(have, self.params["tags"], purge=self.params["purge_tags"])
        known = {rule["name"]: rule for rule in live.fields["rules"]} if live else {}
        rules = [
            {
                **rule,
                # A tag that is no longer given has to go.
                "recovery_point_tags": {
                    **dict.fromkeys(known.get(rule["name"], {}).get("recovery_point_tags", {})),
                    **{name: str(value) for name, value in rule["recovery_point_tags"].items()},
                },
            }
            for rule in self.params["rules"]
        ]
        chosen = {one["name"]: one for one in live.fields["selections"]} if live else {}
        selections = [
            {
                **one,
                "resource_tags": {
                    **dict.fromkeys(chosen.get(one["name"], {}).get("resource_tags", {})),
                    **{name: str(value) for name, value in one["resource_tags"].items()},
                },
            }
            for one in self.params["selections"]
        ]
        return {"rules": rules, "selections": selections, **({"tags": tags} if tags else {})}

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        for rule in desired["rules"]:
            if rule["start_window_minutes"] < 60:
                raise RefusalError(f"The start window of {rule['name']} is shorter than AWS Backup's hour.")
            if rule["completion_window_minutes"] <= rule["start_window_minutes"]:
                raise RefusalError(f"The completion window of {rule['name']} has to be longer than its start window.")
        self.api.check("create_backup_plan", BackupPlan=self._request(desired, []))
        for one in desired["selections"]:
            self.api.check(
                "create_backup_selection", BackupPlanId="-", BackupSelection=selection_request(without_null_tags(one))
            )

    def _request(self, desired: Fields, settings: list[Fields]) -> Fields:
        rules = [rule_request(without_null_tags(rule)) for rule in desired["rules"]]
        return {
            "BackupPlanName": self.name,
            "Rules": rules,
            **({"AdvancedBackupSettings": settings} if settings else {}),
        }

    @override
    def create(self, desired: Fields) -> Live:
        tags = {name: value for name, value in desired.get("tags", {}).items() if value is not None}
        made = self.api.call(
            f"create the backup plan {self.name}",
            "create_backup_plan",
            BackupPlan=self._request(desired, []),
            **({"BackupPlanTags": tags} if tags else {}),
        )
        for one in desired["selections"]:
            self._select(made["BackupPlanId"], one)
        return self._read(made["BackupPlanId"])

    def _select(self, plan: str, selection: Fields) -> None:
        self.api.call(
            f"select {selection['name']} for the backup plan {self.name}",
            "create_backup_selection",
            # A role that was made a moment ago is not known everywhere yet.
            retry_on=("InvalidParameterValueException",),
            BackupPlanId=plan,
            BackupSelection=selection_request(without_null_tags(selection)),
        )

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        identity = live.raw["id"]
        if any(change.field.startswith("rules") for change in changes):
            self.api.call(
                f"update the backup plan {self.name}",
                "update_backup_plan",
                BackupPlanId=identity,
                BackupPlan=self._request(desired, live.raw["settings"]),
            )
        wanted = {one["name"]: one for one in desired["selections"]}
        have = {one["name"]: one for one in live.fields["selections"]}
        stale = [
            name for name, one in have.items() if name not in wanted or differences(one, wanted[name], self.layout)
        ]
        self._unselect(live, stale)
        for name, one in wanted.items():
            if name in stale or name not in have:
                self._select(identity, one)
        to_set, to_remove = tag_delta(live.fields.get("tags", {}), desired.get("tags", {}))
        if to_remove:
            self.api.call(
                f"untag {self.name}", "untag_resource", ResourceArn=live.raw["arn"], TagKeyList=list(to_remove)
            )
        if to_set:
            self.api.call(f"tag {self.name}", "tag_resource", ResourceArn=live.raw["arn"], Tags=to_set)
        return self._read(identity)

    def _unselect(self, live: Live, names: Sequence[str]) -> None:
        for name in names:
            self.api.call(
                f"take the selection {name} from the backup plan {self.name}",
                "delete_backup_selection",
                BackupPlanId=live.raw["id"],
                SelectionId=live.raw["selections"][name],
            )

    @override
    def delete(self, live: Live) -> Live | None:
        self._unselect(live, list(live.raw["selections"]))
        self.api.call(f"delete the backup plan {self.name}", "delete_backup_plan", BackupPlanId=live.raw["id"])
        return None

    @override
    def result(self, live: Live) -> Fields:
        return {"id": live.raw["id"], "arn": live.raw["arn"], "name": self.name, **live.fields}

    @override
    def predicted(self, desired: Fields) -> Fields:
        return {"id": None, "arn": None, "name": self.name, **desired}


def without_null_tags(fields: Fields) -> Fields:
    """The same rule or selection without the tags that shall go."""
    return {
        name: {key: one for key, one in value.items() if one is not None} if isinstance(value, dict) else value
        for name, value in fields.items()
    }


def main() -> None:
    module = aws_module(ARGUMENTS, required_if=[("state", "present", ["rules", "selections"])])
    run(module, BackupPlan(Api(module.client("backup")), module.params))


if __name__ == "__main__":
    main()
