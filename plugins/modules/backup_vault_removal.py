#!/usr/bin/python
"""Ansible module: a backup vault goes, and what lies in it only when that is asked for."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_vault_removal
version_added: 0.1.0
short_description: Delete a backup vault, with its recovery points if that is asked for
description:
  - M(amazon.aws.backup_vault) fails for a vault that holds recovery points, and no stock module deletes these.
  - A vault that holds some stays, unless O(remove_recovery_points=true).
author: Slipway
options:
  name:
    description: The vault.
    type: str
    required: true
  remove_recovery_points:
    description: Whether the backups go too.
    type: bool
    default: false
  wait_timeout:
    description: Longest wait for the recovery points to go, in seconds.
    type: int
    default: 900
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    support: full
    description: Reads, and says what would be removed.
"""

EXAMPLES = r"""
- name: Delete the vault if it is empty
  slipway.aws.backup_vault_removal:
    name: slipway-staging
"""

RETURN = r"""
recovery_points:
  description: How many lay in the vault.
  returned: always
  type: int
kept:
  description: Whether the vault stays because of them.
  returned: always
  type: bool
"""

from ansible_collections.slipway.aws.plugins.module_utils.aws import Api, AWSError, Module, aws_module
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Fields, RefusalError, wait_until

ARGUMENTS: Fields = {
    "name": {"type": "str", "required": True},
    "remove_recovery_points": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 900},
}


def points(api: Api, vault: str) -> list[Fields]:
    """The recovery points of a vault."""
    return api.pages(
        f"list what lies in {vault}", "list_recovery_points_by_backup_vault", "RecoveryPoints", BackupVaultName=vault
    )


def count(api: Api, vault: str) -> int | None:
    """How many recovery points a vault has; None without a vault. DescribeBackupVault says AccessDenied of those."""
    vaults = api.pages("list the vaults", "list_backup_vaults", "BackupVaultList")
    found = next((one for one in vaults if one["BackupVaultName"] == vault), None)
    return None if found is None else int(found.get("NumberOfRecoveryPoints") or 0)


def remove(api: Api, vault: str, timeout: float, *, filled: bool) -> None:
    """Delete the recovery points and the vault. Raises RefusalError when they do not go."""
    for point in points(api, vault) if filled else []:
        if point.get("Status") != "DELETING":
            api.call(
                f"delete {point['RecoveryPointArn']}",
                "delete_recovery_point",
                BackupVaultName=vault,
                RecoveryPointArn=point["RecoveryPointArn"],
            )

    def probe() -> tuple[bool, str]:
        left = points(api, vault)
        return not left, ", ".join(point["RecoveryPointArn"] for point in left)

    if filled:
        wait_until(f"Emptying {vault}", probe, timeout=timeout)
    api.call_if_exists(
        f"delete the vault {vault}",
        "delete_backup_vault",
        missing={"ResourceNotFoundException"},
        BackupVaultName=vault,
    )


def main() -> None:
    module: Module = aws_module(ARGUMENTS)
    params = module.params
    api, name = Api(module.client("backup")), params["name"]
    try:
        found = count(api, name)
        if found is None:
            module.exit_json(changed=False, recovery_points=0, kept=False)
        kept = found > 0 and not params["remove_recovery_points"]
        if not kept and not module.check_mode:
            remove(api, name, params["wait_timeout"], filled=found > 0)
        module.exit_json(changed=not kept, recovery_points=found, kept=kept)
    except RefusalError as refusal:
        module.fail_json(msg=str(refusal))
    except AWSError as error:
        module.fail_json_aws_error(error)


if __name__ == "__main__":
    main()
