"""Backups: encrypted with a key of one's own, kept for as long as said, of nothing else."""

from __future__ import annotations

from .conftest import ACCOUNT, REGION, TAGS, Clients, Converge, Values, tags_of

VARIABLES: Values = {
    "aws_backup_name": "stack",
    "aws_backup_account_id": ACCOUNT,
    "aws_backup_key_arn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555",
    "aws_backup_resources": ["arn:aws:rds:*:*:db:stack"],
    "aws_backup_resource_tags": {"Environment": "test"},
    "aws_backup_monthly_days": 365,
    "aws_backup_tags": TAGS,
}


def test_the_vault_and_the_plan(converge: Converge, client: Clients) -> None:
    made = converge.through_its_life("aws_backup", VARIABLES)
    backup, iam = client("backup"), client("iam")
    (vault,) = backup.list_backup_vaults()["BackupVaultList"]
    assert (vault["BackupVaultName"], vault["EncryptionKeyArn"]) == ("stack", VARIABLES["aws_backup_key_arn"])
    plan = backup.get_backup_plan(BackupPlanId=made.result["plan_id"])
    kept = {rule["RuleName"]: rule["Lifecycle"]["DeleteAfterDays"] for rule in plan["BackupPlan"]["Rules"]}
    assert kept == {"daily": 35, "monthly": 365}
    for rule in plan["BackupPlan"]["Rules"]:
        assert (rule["TargetBackupVaultName"], rule["RecoveryPointTags"]) == ("stack", TAGS)
    for arn in (vault["BackupVaultArn"], plan["BackupPlanArn"]):
        assert backup.list_tags(ResourceArn=arn)["Tags"] == {**TAGS, "Name": "stack"}

    (listed,) = backup.list_backup_selections(BackupPlanId=made.result["plan_id"])["BackupSelectionsList"]
    selection = backup.get_backup_selection(BackupPlanId=made.result["plan_id"], SelectionId=listed["SelectionId"])
    chosen = selection["BackupSelection"]
    assert chosen["Resources"] == ["arn:aws:rds:*:*:db:stack"]
    assert chosen["Conditions"]["StringEquals"] == [
        {"ConditionKey": "aws:ResourceTag/Environment", "ConditionValue": "test"}
    ]
    role = iam.get_role(RoleName=chosen["IamRoleArn"].rsplit("/", 1)[-1])["Role"]
    trust = role["AssumeRolePolicyDocument"]["Statement"][0]
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert tags_of(role["Tags"]) == {**TAGS, "Name": "stack-backup"}
    attached = iam.list_attached_role_policies(RoleName="stack-backup")["AttachedPolicies"]
    assert {one["PolicyName"] for one in attached} == {
        "AWSBackupServiceRolePolicyForBackup",
        "AWSBackupServiceRolePolicyForRestores",
    }

    fewer = converge("aws_backup", {**VARIABLES, "aws_backup_monthly_days": 0})
    assert fewer.changed == ("plan | Say when, and what",)
