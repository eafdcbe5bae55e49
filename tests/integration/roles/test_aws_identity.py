"""What the instances may do: enough for their work, and to read nothing that is not theirs."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from rehearsal import policy
from rehearsal.emulator.server import Emulator

from .conftest import ACCOUNT, REGION, TAGS, Clients, Converge, Values

VARIABLES: Values = {
    "aws_identity_name": "stack",
    "aws_identity_account_id": ACCOUNT,
    "aws_identity_region": REGION,
    "aws_identity_releases_bucket": "releases",
    "aws_identity_parameter_prefix": "/stack",
    "aws_identity_secret_names": ["stack/django"],
    "aws_identity_tags": TAGS,
}
CORE = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
#: https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html
AGENT = {
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
}


def test_the_roles_through_their_life(converge: Converge, client: Clients) -> None:
    converge.through_its_life("aws_identity", VARIABLES)
    iam = client("iam")
    for role, wanted in (("web", ["application", "session"]), ("builder", ["session"])):
        name = f"stack-{role}"
        assert sorted(iam.list_role_policies(RoleName=name)["PolicyNames"]) == wanted
        assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
        document = iam.get_role_policy(RoleName=name, PolicyName="session")["PolicyDocument"]
        for action in AGENT:
            asked = policy.Request(policy.Principal(arn="role", account=ACCOUNT), action, "*")
            assert policy.evaluate(asked, [policy.parse(document)]).allowed
    # Who may not list is told that a release which is not there is forbidden.
    work = policy.parse(iam.get_role_policy(RoleName="stack-web", PolicyName="application")["PolicyDocument"])
    for action, resource in (
        ("s3:GetObject", "arn:aws:s3:::releases/releases/1"),
        ("s3:ListBucket", "arn:aws:s3:::releases"),
    ):
        assert policy.evaluate(
            policy.Request(policy.Principal(arn="role", account=ACCOUNT), action, resource), [work]
        ).allowed


@pytest.mark.parametrize(("role", "own"), [("web", True), ("builder", False)])
def test_a_host_reads_parameters_of_its_own_stack_alone(
    converge: Converge, client: Clients, emulator: Emulator, role: str, own: bool
) -> None:
    made = converge("aws_identity", VARIABLES)
    assert not made.failed, made.messages
    for name, kind in (("/stack/application/A", "String"), ("/elsewhere/A", "String"), ("/secret", "SecureString")):
        client("ssm").put_parameter(Name=name, Value="1", Type=kind)
    arn = made.result["role_arns"][role]
    session = client("sts").assume_role(RoleArn=arn, RoleSessionName="host")["Credentials"]
    untyped: Any = boto3
    host = untyped.client(
        "ssm",
        region_name=REGION,
        endpoint_url=emulator.endpoint,
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )

    def reads(name: str) -> bool:
        try:
            return bool(host.get_parameters(Names=[name], WithDecryption=True)["Parameters"])
        except host.exceptions.ClientError as refused:
            if refused.response["Error"]["Code"] != "AccessDeniedException":
                raise
            return False

    assert [reads(name) for name in ("/stack/application/A", "/elsewhere/A", "/secret")] == [own, False, False]


def test_what_aws_allowed_a_host_before_is_taken_from_it(converge: Converge, client: Clients) -> None:
    """Stacks that were laid with AWS's own policy."""
    assert not converge("aws_identity", VARIABLES).failed
    iam = client("iam")
    for role in ("web", "builder"):
        iam.attach_role_policy(RoleName=f"stack-{role}", PolicyArn=CORE)
    changed = converge("aws_identity", VARIABLES)
    assert changed.changed == ("roles | Write each role",)
    assert iam.list_attached_role_policies(RoleName="stack-web")["AttachedPolicies"] == []
