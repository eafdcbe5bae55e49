"""A backup plan, whole, against the emulated account."""

from __future__ import annotations

import pytest

from .conftest import Answer, Call, client, succeeded

RULE: Answer = {
    "name": "daily",
    "vault": "stack",
    "schedule": "cron(0 3 * * ? *)",
    "delete_after_days": 35,
    "recovery_point_tags": {"Environment": "rehearsal"},
}
SELECTION: Answer = {
    "name": "database",
    "role_arn": "arn:aws:iam::123456789012:role/backup",
    "resources": ["arn:aws:rds:*:*:db:stack"],
    "resource_tags": {"Environment": "rehearsal"},
}
OPTIONS: Answer = {"name": "stack", "rules": [RULE], "selections": [SELECTION], "tags": {"Environment": "rehearsal"}}


def test_a_plan_from_the_cradle_to_the_grave(call: Call) -> None:
    assert succeeded(call("backup_plan", check=True, **OPTIONS))["changed"]
    made = succeeded(call("backup_plan", **OPTIONS))["plan"]
    for check in (True, False):
        assert succeeded(call("backup_plan", check=check, **OPTIONS))["changes"] == []
    backup = client("backup")
    (selected,) = backup.list_backup_selections(BackupPlanId=made["id"])["BackupSelectionsList"]

    shorter: Answer = {
        **OPTIONS,
        "rules": [{**RULE, "delete_after_days": 7, "recovery_point_tags": {}}],
        "selections": [{**SELECTION, "resource_tags": {"Environment": "other"}}],
        "tags": {"Owner": "x"},
    }
    told = {
        "rules[daily].delete_after_days": (35, 7),
        "rules[daily].recovery_point_tags.Environment": ("rehearsal", None),
        "selections[database].resource_tags.Environment": ("rehearsal", "other"),
        "tags.Environment": ("rehearsal", None),
        "tags.Owner": (None, "x"),
    }
    for check in (True, False):
        answer = succeeded(call("backup_plan", check=check, **shorter))
        assert {one["field"]: (one["from"], one["to"]) for one in answer["changes"]} == told
    assert answer["plan"]["id"] == made["id"]
    assert succeeded(call("backup_plan", **shorter))["changes"] == []
    (renewed,) = backup.list_backup_selections(BackupPlanId=made["id"])["BackupSelectionsList"]
    assert renewed["SelectionId"] != selected["SelectionId"]

    fewer = {**shorter, "selections": []}
    assert succeeded(call("backup_plan", **fewer))["plan"]["selections"] == []
    succeeded(call("backup_plan", **shorter))
    for check in (True, False):
        assert succeeded(call("backup_plan", check=check, name="stack", state="absent"))["changed"]
    assert not succeeded(call("backup_plan", name="stack", state="absent"))["changed"]


def test_a_selection_that_was_changed_by_hand_is_replaced(call: Call) -> None:
    plan = succeeded(call("backup_plan", **OPTIONS))["plan"]["id"]
    backup = client("backup")
    (selected,) = backup.list_backup_selections(BackupPlanId=plan)["BackupSelectionsList"]
    backup.delete_backup_selection(BackupPlanId=plan, SelectionId=selected["SelectionId"])
    by_hand = {
        "SelectionName": "database",
        "IamRoleArn": SELECTION["role_arn"],
        "Resources": SELECTION["resources"],
        "Conditions": {
            "StringEquals": [{"ConditionKey": "aws:ResourceTag/Environment", "ConditionValue": "rehearsal"}],
            "StringNotLike": [{"ConditionKey": "aws:ResourceTag/Name", "ConditionValue": "*"}],
        },
    }
    backup.create_backup_selection(BackupPlanId=plan, BackupSelection=by_hand)
    found = succeeded(call("backup_plan", check=True, **OPTIONS))["changes"]
    assert [one["field"] for one in found] == ["selections[database].resource_tags.(StringNotLike)"]
    succeeded(call("backup_plan", **OPTIONS))
    assert succeeded(call("backup_plan", **OPTIONS))["changes"] == []
    succeeded(call("backup_plan", name="stack", state="absent"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start_window_minutes": 30}, "shorter than AWS Backup's hour"),
        ({"completion_window_minutes": 60}, "has to be longer than its start window"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_windows_that_aws_would_refuse(call: Call, change: Answer, message: str, check: bool) -> None:
    refused = call("backup_plan", check=check, **{**OPTIONS, "rules": [{**RULE, **change}]})
    assert message in refused["msg"]
