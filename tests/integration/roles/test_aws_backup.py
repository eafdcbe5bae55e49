"""Backups: encrypted with a key of one's own, kept for as long as said, of nothing else."""

from __future__ import annotations

from rehearsal.emulator import backchannel

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


def test_the_role_stays_as_long_as_it_has_backups_to_delete(converge: Converge, client: Clients) -> None:
    def there() -> tuple[list[str], list[str]]:
        vaults = client("backup").list_backup_vaults()["BackupVaultList"]
        roles = client("iam").list_roles()["Roles"]
        return [one["BackupVaultName"] for one in vaults], [one["RoleName"] for one in roles]

    assert not converge("aws_backup", VARIABLES).failed
    backchannel.lay_in_recovery_point("stack", f"arn:aws:rds:{REGION}:{ACCOUNT}:snapshot:awsbackup:job-1")
    for again in (False, True):
        left = converge("aws_backup", VARIABLES, stage="absent")
        assert not left.failed, left.messages
        assert left.changed == (() if again else ("absent | Delete the plan",))
        assert there() == (["stack"], ["stack-backup"])
    gone = converge("aws_backup", {**VARIABLES, "aws_backup_remove_recovery_points": True}, stage="absent")
    assert not gone.failed, gone.messages
    assert there() == ([], [])


def test_the_role_goes_with_a_vault_that_is_empty(converge: Converge, client: Clients) -> None:
    assert not converge("aws_backup", VARIABLES).failed
    gone = converge("aws_backup", VARIABLES, stage="absent")
    assert not gone.failed, gone.messages
    assert client("iam").list_roles()["Roles"] == []
    assert not converge("aws_backup", VARIABLES, stage="absent").failed
