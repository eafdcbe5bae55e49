"""IAM: AWS's own managed policies, each loaded when somebody asks for it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend, ManagedPolicy
from moto.iam.responses import IamResponse

from .registry import correct

_get_policy = IAMBackend.get_policy
_attach_role_policy = IAMBackend.attach_role_policy
_attach_user_policy = IAMBackend.attach_user_policy
_attach_group_policy = IAMBackend.attach_group_policy


@cache
def _positions() -> dict[str, int]:
    """Where each policy's text begins in moto's collection of 1 500 (6 MB as text, ten times that as objects)."""
    positions, place = {}, aws_managed_policies_data.find('\n "')
    while place != -1:
        end = aws_managed_policies_data.index('"', place + 3)
        positions[aws_managed_policies_data[place + 3 : end]] = aws_managed_policies_data.index("{", end)
        place = aws_managed_policies_data.find('\n "', end)
    return positions


def load_aws_managed_policy(backend: IAMBackend, arn: str) -> None:
    """Make the policy with this ARN known to the account, if it is one of AWS's.

    https://docs.aws.amazon.com/aws-managed-policy/latest/reference/about-managed-policy-reference.html
    """
    prefix = f"arn:{backend.partition}:iam::aws:policy/"
    if not arn.startswith(prefix) or arn in backend.managed_policies:
        return
    name = arn.rsplit("/", 1)[-1]
    position = _positions().get(name)
    if position is None:
        return
    data, _ = json.JSONDecoder().raw_decode(aws_managed_policies_data, position)
    policy = AWSManagedPolicy.from_data(name, backend.account_id, backend.region_name, data)
    if policy.arn == arn:
        backend.managed_policies[arn] = policy
        backend.aws_managed_policies.append(policy)


@correct(IAMBackend, "get_policy")
def get_policy(self: IAMBackend, policy_arn: str) -> ManagedPolicy:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicy.html"""
    load_aws_managed_policy(self, policy_arn)
    return _get_policy(self, policy_arn)


@correct(IAMBackend, "attach_role_policy")
def attach_role_policy(self: IAMBackend, policy_arn: str, role_name: str) -> Any:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachRolePolicy.html"""
    load_aws_managed_policy(self, policy_arn)
    return _attach_role_policy(self, policy_arn, role_name)


@correct(IAMBackend, "attach_user_policy")
def attach_user_policy(self: IAMBackend, policy_arn: str, user_name: str) -> Any:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachUserPolicy.html"""
    load_aws_managed_policy(self, policy_arn)
    return _attach_user_policy(self, policy_arn, user_name)


@correct(IAMBackend, "attach_group_policy")
def attach_group_policy(self: IAMBackend, policy_arn: str, group_name: str) -> Any:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachGroupPolicy.html"""
    load_aws_managed_policy(self, policy_arn)
    return _attach_group_policy(self, policy_arn, group_name)


@correct(IamResponse, "add_client_id_to_open_id_connect_provider")
def add_client_id(self: IamResponse) -> ActionResult:
    """moto has no such action. A second time is no error.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddClientIDToOpenIDConnectProvider.html
    """
    provider = self.backend.get_open_id_connect_provider(self._get_param("OpenIDConnectProviderArn"))
    client_id = self._get_param("ClientID")
    if client_id not in provider.client_id_list:
        provider.client_id_list.append(client_id)
    return EmptyResult()
