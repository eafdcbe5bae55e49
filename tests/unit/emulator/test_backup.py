"""Corrections of AWS Backup."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from rehearsal.emulator import backchannel
from rehearsal.emulator.operator import ACCESS_KEY_ID, SECRET_ACCESS_KEY

from .conftest import Clients

RULE: dict[str, Any] = {"RuleName": "daily", "TargetBackupVaultName": "vault", "Lifecycle": {"DeleteAfterDays": 7}}
SELECTION = {"SelectionName": "all", "IamRoleArn": "arn:aws:iam::123456789012:role/backup", "Resources": ["*"]}


def code(refused: pytest.ExceptionInfo[ClientError]) -> str:
    found: str = refused.value.response["Error"]["Code"]
    return found


def test_an_unknown_vault_may_not_be_seen(client: Clients) -> None:
    backup = client("backup")
    with pytest.raises(ClientError) as refused:
        backup.describe_backup_vault(BackupVaultName="nobodys")
    assert code(refused) == "AccessDeniedException"
    backup.create_backup_vault(BackupVaultName="ours")
    assert backup.describe_backup_vault(BackupVaultName="ours")["BackupVaultName"] == "ours"


def test_a_plan_is_updated_and_its_name_is_free_when_it_is_gone(client: Clients) -> None:
    backup = client("backup")
    plan: dict[str, Any] = {"BackupPlanName": "plan", "Rules": [RULE]}
    made = backup.create_backup_plan(BackupPlan=plan)
    longer = {**plan, "Rules": [{**RULE, "Lifecycle": {"DeleteAfterDays": 35}}]}
    updated = backup.update_backup_plan(BackupPlanId=made["BackupPlanId"], BackupPlan=longer)
    assert updated["VersionId"] != made["VersionId"]
    (rule,) = backup.get_backup_plan(BackupPlanId=made["BackupPlanId"])["BackupPlan"]["Rules"]
    assert rule["Lifecycle"] == {"DeleteAfterDays": 35}
    with pytest.raises(ClientError) as refused:
        backup.create_backup_plan(BackupPlan=plan)
    assert code(refused) == "AlreadyExistsException"
    backup.delete_backup_plan(BackupPlanId=made["BackupPlanId"])
    again = backup.create_backup_plan(BackupPlan=plan)
    assert again["BackupPlanId"] != made["BackupPlanId"]
    assert backup.get_backup_plan(BackupPlanId=made["BackupPlanId"])["DeletionDate"]


def test_a_plan_with_selections_stays(client: Clients) -> None:
    backup = client("backup")
    plan = backup.create_backup_plan(BackupPlan={"BackupPlanName": "selecting", "Rules": [RULE]})["BackupPlanId"]
    selected = backup.create_backup_selection(BackupPlanId=plan, BackupSelection=SELECTION)["SelectionId"]
    with pytest.raises(ClientError) as refused:
        backup.create_backup_selection(BackupPlanId=plan, BackupSelection=SELECTION)
    assert code(refused) == "AlreadyExistsException"
    (listed,) = backup.list_backup_selections(BackupPlanId=plan)["BackupSelectionsList"]
    assert (listed["SelectionName"], listed["SelectionId"]) == ("all", selected)
    got = backup.get_backup_selection(BackupPlanId=plan, SelectionId=selected)["BackupSelection"]
    assert got["Resources"] == ["*"]
    assert got["Conditions"]["StringEquals"] == []
    with pytest.raises(ClientError) as refused:
        backup.delete_backup_plan(BackupPlanId=plan)
    assert code(refused) == "InvalidRequestException"
    backup.delete_backup_selection(BackupPlanId=plan, SelectionId=selected)
    with pytest.raises(ClientError) as refused:
        backup.get_backup_selection(BackupPlanId=plan, SelectionId=selected)
    assert code(refused) == "ResourceNotFoundException"
    backup.delete_backup_plan(BackupPlanId=plan)


def test_tags_are_listed_with_and_without_the_last_slash(client: Clients) -> None:
    backup = client("backup")
    arn = backup.create_backup_vault(BackupVaultName="tagged", BackupVaultTags={"Name": "tagged"})["BackupVaultArn"]
    assert backup.list_tags(ResourceArn=arn)["Tags"] == {"Name": "tagged"}
    request = AWSRequest("GET", f"{backup.meta.endpoint_url}/tags/{quote(arn, safe='')}")
    SigV4Auth(Credentials(ACCESS_KEY_ID, SECRET_ACCESS_KEY), "backup", backup.meta.region_name).add_auth(request)
    answer = URLLib3Session().send(request.prepare())
    assert json.loads(answer.content)["Tags"] == {"Name": "tagged"}


def test_a_vault_is_opened_to_others_by_a_policy(client: Clients) -> None:
    backup = client("backup")
    backup.create_backup_vault(BackupVaultName="vault")
    which = {"BackupVaultName": "vault"}
    with pytest.raises(backup.exceptions.ResourceNotFoundException):
        backup.get_backup_vault_access_policy(**which)
    backup.put_backup_vault_access_policy(**which, Policy='{"Version": "2012-10-17", "Statement": []}')
    assert backup.get_backup_vault_access_policy(**which)["Policy"] == '{"Version": "2012-10-17", "Statement": []}'
    backup.delete_backup_vault_access_policy(**which)
    with pytest.raises(backup.exceptions.ResourceNotFoundException):
        backup.get_backup_vault_access_policy(**which)


def test_a_vault_that_holds_backups_stays(client: Clients) -> None:
    backup = client("backup")
    backup.create_backup_vault(BackupVaultName="full")
    arn = "arn:aws:rds:eu-west-1:123456789012:snapshot:awsbackup:job-1"
    backchannel.lay_in_recovery_point("full", arn)
    listed = [one for one in backup.list_backup_vaults()["BackupVaultList"] if one["BackupVaultName"] == "full"]
    assert [one["NumberOfRecoveryPoints"] for one in listed] == [1]
    (point,) = backup.list_recovery_points_by_backup_vault(BackupVaultName="full")["RecoveryPoints"]
    assert (point["RecoveryPointArn"], point["Status"]) == (arn, "COMPLETED")
    with pytest.raises(ClientError) as refused:
        backup.delete_backup_vault(BackupVaultName="full")
    assert code(refused) == "InvalidRequestException"
    backup.delete_recovery_point(BackupVaultName="full", RecoveryPointArn=arn)
    with pytest.raises(ClientError) as refused:
        backup.delete_recovery_point(BackupVaultName="full", RecoveryPointArn=arn)
    assert code(refused) == "ResourceNotFoundException"
    backup.delete_backup_vault(BackupVaultName="full")
