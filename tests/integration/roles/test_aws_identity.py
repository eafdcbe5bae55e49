"""What the instances may do: enough for their work, and to read nothing that is not theirs."""

from __future__ import annotations

import pytest

from rehearsal import policy

from .conftest import ACCOUNT, IDENTITY, TAGS, Clients, Converge, Values

VARIABLES: Values = {**IDENTITY, "aws_identity_tags": TAGS}
CORE = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
#: https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html
AGENT = {
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
}


def allows(document: Values, action: str, resource: str) -> bool:
    asked = policy.Request(policy.Principal(arn="role", account=ACCOUNT), action, resource)
    return policy.evaluate(asked, [policy.parse(document)]).allowed


def test_the_roles_through_their_life(converge: Converge, client: Clients) -> None:
    converge.through_its_life("aws_identity", VARIABLES)
    iam = client("iam")
    for role, wanted in (("web", ["application", "session"]), ("builder", ["session"])):
        name = f"stack-{role}"
        assert sorted(iam.list_role_policies(RoleName=name)["PolicyNames"]) == wanted
        assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
        session = iam.get_role_policy(RoleName=name, PolicyName="session")["PolicyDocument"]
        for action in AGENT:
            assert allows(session, action, "*")
    # Who may not list is told that a release which is not there is forbidden.
    work = iam.get_role_policy(RoleName="stack-web", PolicyName="application")["PolicyDocument"]
    assert allows(work, "s3:GetObject", "arn:aws:s3:::releases/releases/1")
    assert allows(work, "s3:ListBucket", "arn:aws:s3:::releases")


@pytest.mark.parametrize(("role", "own"), [("web", True), ("builder", False)])
def test_a_host_reads_parameters_of_its_own_stack_alone(client: Clients, host: Clients, role: str, own: bool) -> None:
    for name, kind in (("/stack/application/A", "String"), ("/elsewhere/A", "String"), ("/secret", "SecureString")):
        client("ssm").put_parameter(Name=name, Value="1", Type=kind)
    ssm = host("ssm", role=role)

    def reads(name: str) -> bool:
        try:
            return bool(ssm.get_parameters(Names=[name], WithDecryption=True)["Parameters"])
        except ssm.exceptions.ClientError as refused:
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
