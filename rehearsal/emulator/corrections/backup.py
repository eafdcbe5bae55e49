"""AWS Backup: plans change, select what they back up, and a vault that nobody made is a vault that nobody may see."""

from __future__ import annotations

import json
import uuid
from typing import Any
from urllib.parse import unquote

from moto.backup import urls
from moto.backup.exceptions import AlreadyExistsException, BackupClientError, ResourceNotFoundException
from moto.backup.models import BackupBackend, Plan, Vault
from moto.backup.responses import BackupResponse
from moto.core.utils import unix_time

from .registry import correct

_describe_backup_vault = BackupBackend.describe_backup_vault
_create_backup_plan = BackupBackend.create_backup_plan
_delete_backup_plan = BackupBackend.delete_backup_plan


@correct(BackupBackend, "describe_backup_vault")
def describe_backup_vault(self: BackupBackend, backup_vault_name: str) -> Vault:
    """An unknown vault is answered with AccessDeniedException.

    https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DescribeBackupVault.html
    """
    if backup_vault_name not in self.vaults:
        raise BackupClientError(
            "AccessDeniedException",
            f"User is not authorized to perform: backup:DescribeBackupVault on {backup_vault_name}",
        )
    return _describe_backup_vault(self, backup_vault_name)


@correct(BackupBackend, "create_backup_plan")
def create_backup_plan(self: BackupBackend, *args: Any, **kwargs: Any) -> Plan:
    """A deleted plan, which is still there to be read, leaves its name to the next one.

    https://docs.aws.amazon.com/aws-backup/latest/devguide/API_CreateBackupPlan.html
    """
    deleted = {identity: plan for identity, plan in self.plans.items() if plan.deletion_date is not None}
    for identity in deleted:
        del self.plans[identity]
    try:
        return _create_backup_plan(self, *args, **kwargs)
    finally:
        self.plans |= deleted


@correct(BackupResponse, "update_backup_plan")
def update_backup_plan(self: BackupResponse) -> str:
    """The whole plan is replaced and gets a new version.

    https://docs.aws.amazon.com/aws-backup/latest/devguide/API_UpdateBackupPlan.html
    """
    backend = self.backup_backend
    plan = backend.get_backup_plan(self.path.rstrip("/").rsplit("/", 1)[-1], None)
    # moto fills in the defaults of the rules when a plan is made.
    renewed = Plan(json.loads(self.body)["BackupPlan"], plan.creator_request_id, backend)
    plan.backup_plan = renewed.backup_plan
    plan.advanced_backup_settings = renewed.advanced_backup_settings
    plan.version_id = renewed.version_id
    return json.dumps(plan.to_dict())


@correct(BackupBackend, "delete_backup_plan")
def delete_backup_plan(self: BackupBackend, backup_plan_id: str) -> tuple[str, str, float, str]:
    """A plan with selections stays.

    https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DeleteBackupPlan.html
    """
    if backup_plan_id in self.plans and selections(self.plans[backup_plan_id]):
        raise BackupClientError(
            "InvalidRequestException", "Related backup plan selections must be deleted prior to backup plan deletion"
        )
    return _delete_backup_plan(self, backup_plan_id)


# -- selections ----------------------------------------------------------------------------------------------


def selections(plan: Plan) -> dict[str, dict[str, Any]]:
    """selection id -> what GetBackupSelection answers."""
    found: dict[str, dict[str, Any]] = plan.__dict__.setdefault("slipway_selections", {})
    return found


def _words(response: BackupResponse) -> tuple[Plan, str]:
    """The plan and the id of the selection that the path names. Raises ResourceNotFoundException."""
    _, _, rest = response.path.partition("/backup/plans/")
    plan_id, _, selection_id = rest.rstrip("/").partition("/selections")
    return response.backup_backend.get_backup_plan(plan_id, None), selection_id.lstrip("/")


@correct(BackupResponse, "create_backup_selection")
def create_backup_selection(self: BackupResponse) -> str:
    """https://docs.aws.amazon.com/aws-backup/latest/devguide/API_CreateBackupSelection.html"""
    plan, _ = _words(self)
    wanted = json.loads(self.body)["BackupSelection"]
    if wanted["SelectionName"] in {one["BackupSelection"]["SelectionName"] for one in selections(plan).values()}:
        raise AlreadyExistsException("Backup selection with the same name already exists")
    conditions = wanted.setdefault("Conditions", {})
    for kind in ("StringEquals", "StringNotEquals", "StringLike", "StringNotLike"):
        conditions.setdefault(kind, [])
    for name in ("Resources", "NotResources", "ListOfTags"):
        wanted.setdefault(name, [])
    made = {
        "BackupPlanId": plan.backup_plan_id,
        "SelectionId": str(uuid.uuid4()),
        "CreationDate": unix_time(),
        "BackupSelection": wanted,
    }
    selections(plan)[made["SelectionId"]] = made
    return json.dumps({name: made[name] for name in ("BackupPlanId", "SelectionId", "CreationDate")})


@correct(BackupResponse, "get_backup_selection")
def get_backup_selection(self: BackupResponse) -> str:
    """https://docs.aws.amazon.com/aws-backup/latest/devguide/API_GetBackupSelection.html"""
    plan, selection_id = _words(self)
    if selection_id not in selections(plan):
        raise ResourceNotFoundException("Cannot find Backup selection with provided ID")
    return json.dumps(selections(plan)[selection_id])


@correct(BackupResponse, "list_backup_selections")
def list_backup_selections(self: BackupResponse) -> str:
    """https://docs.aws.amazon.com/aws-backup/latest/devguide/API_ListBackupSelections.html"""
    plan, _ = _words(self)
    listed = [
        {
            **{name: one[name] for name in ("BackupPlanId", "SelectionId", "CreationDate")},
            "SelectionName": one["BackupSelection"]["SelectionName"],
            "IamRoleArn": one["BackupSelection"]["IamRoleArn"],
        }
        for one in selections(plan).values()
    ]
    return json.dumps({"BackupSelectionsList": listed})


@correct(BackupResponse, "delete_backup_selection")
def delete_backup_selection(self: BackupResponse) -> str:
    """https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DeleteBackupSelection.html"""
    plan, selection_id = _words(self)
    if selections(plan).pop(selection_id, None) is None:
        raise ResourceNotFoundException("Cannot find Backup selection with provided ID")
    return "{}"


# -- what lies in a vault ------------------------------------------------------------------------------------

for _path in ("recovery-points/$", "recovery-points/(?P<arn>.+)$"):
    urls.url_paths[f"{{0}}/backup-vaults/(?P<name>[^/]+)/{_path}"] = BackupResponse.dispatch


def recovery_points(vault: Vault) -> dict[str, dict[str, Any]]:
    """ARN -> what ListRecoveryPointsByBackupVault answers. Nobody makes backups here: the back channel lays them in."""
    found: dict[str, dict[str, Any]] = vault.__dict__.setdefault("slipway_recovery_points", {})
    return found


def lay_in(vault: Vault, arn: str) -> None:
    """A backup was made."""
    recovery_points(vault)[arn] = {
        "RecoveryPointArn": arn,
        "BackupVaultName": vault.backup_vault_name,
        "BackupVaultArn": vault.backup_vault_arn,
        "Status": "COMPLETED",
        "CreationDate": unix_time(),
    }
    vault.num_of_recovery_points = len(recovery_points(vault))


def _vault_and_point(response: BackupResponse) -> tuple[Vault, str]:
    """The vault and the ARN of the recovery point that the path names. Raises ResourceNotFoundException."""
    name, _, point = response.path.partition("/backup-vaults/")[2].partition("/recovery-points")
    vault = response.backup_backend.vaults.get(unquote(name))
    if vault is None:
        raise ResourceNotFoundException(f"Backup vault {unquote(name)} does not exist")
    return vault, unquote(point.strip("/"))


@correct(BackupResponse, "list_recovery_points_by_backup_vault")
def list_recovery_points_by_backup_vault(self: BackupResponse) -> str:
    """https://docs.aws.amazon.com/aws-backup/latest/devguide/API_ListRecoveryPointsByBackupVault.html"""
    vault, _ = _vault_and_point(self)
    return json.dumps({"RecoveryPoints": list(recovery_points(vault).values())})


@correct(BackupResponse, "delete_recovery_point")
def delete_recovery_point(self: BackupResponse) -> str:
    """https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DeleteRecoveryPoint.html"""
    vault, arn = _vault_and_point(self)
    if recovery_points(vault).pop(arn, None) is None:
        raise ResourceNotFoundException(f"Recovery point {arn} does not exist")
    vault.num_of_recovery_points = len(recovery_points(vault))
    return "{}"


_delete_backup_vault = BackupBackend.delete_backup_vault


@correct(BackupBackend, "delete_backup_vault")
def delete_backup_vault(self: BackupBackend, backup_vault_name: str) -> None:
    """A vault that holds backups stays.

    https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DeleteBackupVault.html
    """
    if backup_vault_name in self.vaults and recovery_points(self.vaults[backup_vault_name]):
        raise BackupClientError(
            "InvalidRequestException", "Backup vault cannot be deleted because it contains recovery points."
        )
    _delete_backup_vault(self, backup_vault_name)


@correct(BackupResponse, "list_tags")
def list_tags(self: BackupResponse) -> str:
    """The address is the same with and without its last slash, which only some of AWS's libraries write.

    https://docs.aws.amazon.com/aws-backup/latest/devguide/API_ListTags.html
    """
    arn = unquote(self.path.rstrip("/").rsplit("/", 1)[-1])
    return json.dumps({"Tags": self.backup_backend.list_tags(resource_arn=arn)})


# -- who else may use a vault --------------------------------------------------------------------------------

urls.url_paths["{0}/backup-vaults/(?P<name>[^/]+)/access-policy$"] = BackupResponse.dispatch


def _vault(response: BackupResponse) -> Vault:
    """The vault whose access policy the path names. Raises ResourceNotFoundException."""
    name = unquote(response.path.rsplit("/", 2)[-2])
    found: Vault | None = response.backup_backend.vaults.get(name)
    if found is None:
        raise ResourceNotFoundException(f"Backup vault {name} does not exist")
    return found


@correct(BackupResponse, "put_backup_vault_access_policy")
def put_backup_vault_access_policy(self: BackupResponse) -> str:
    """https://docs.aws.amazon.com/aws-backup/latest/devguide/API_PutBackupVaultAccessPolicy.html"""
    _vault(self).__dict__["slipway_policy"] = json.loads(self.body)["Policy"]
    return "{}"


@correct(BackupResponse, "get_backup_vault_access_policy")
def get_backup_vault_access_policy(self: BackupResponse) -> str:
    """A vault without one has nothing to be found.

    https://docs.aws.amazon.com/aws-backup/latest/devguide/API_GetBackupVaultAccessPolicy.html
    """
    vault = _vault(self)
    policy = vault.__dict__.get("slipway_policy")
    if policy is None:
        raise ResourceNotFoundException(f"Backup vault {vault.backup_vault_name} has no associated policy")
    arn = vault.backup_vault_arn
    return json.dumps({"BackupVaultName": vault.backup_vault_name, "BackupVaultArn": arn, "Policy": policy})


@correct(BackupResponse, "delete_backup_vault_access_policy")
def delete_backup_vault_access_policy(self: BackupResponse) -> str:
    """https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DeleteBackupVaultAccessPolicy.html"""
    _vault(self).__dict__.pop("slipway_policy", None)
    return "{}"
