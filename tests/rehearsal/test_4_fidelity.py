"""What is provisioned wrongly must be seen: rules, permissions and health checks act on the bodies."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from rehearsal.engine import EngineError
from tests.rehearsal.conftest import Rehearsal, shown

Eventually = Callable[..., None]


def _connects(rehearsal: Rehearsal, container: str, host: str, port: int) -> bool:
    try:
        rehearsal.on(container, "timeout", "3", "bash", "-c", f": </dev/tcp/{host}/{port}", timeout=10)
    except EngineError:
        return False
    return True


@pytest.fixture
def database(rehearsal: Rehearsal) -> tuple[str, int]:
    """Host name and port of the database."""
    endpoint = rehearsal.client("rds").describe_db_instances()["DBInstances"][0]["Endpoint"]
    return endpoint["Address"], endpoint["Port"]


def test_hosts_reach_the_database_and_the_balancer_does_not(rehearsal: Rehearsal, database: tuple[str, int]) -> None:
    host = rehearsal.web_instances()[0]["InstanceId"]
    balancer = rehearsal.client("elbv2").describe_load_balancers()["LoadBalancers"][0]["LoadBalancerName"]
    assert _connects(rehearsal, host, *database)
    assert not _connects(rehearsal, f"alb-{balancer}", *database)


def test_hosts_do_not_reach_each_other(rehearsal: Rehearsal) -> None:
    first, second = rehearsal.web_instances()[:2]
    assert not _connects(rehearsal, first["InstanceId"], second["PrivateIpAddress"], 80)


def test_a_host_may_read_its_release_and_nothing_else(rehearsal: Rehearsal) -> None:
    host = rehearsal.web_instances()[0]["InstanceId"]
    script = (
        "import boto3, botocore; s = boto3.session.Session(region_name='eu-west-1'); "
        "\n"
        "def attempt(call):\n"
        "    try: call()\n"
        "    except botocore.exceptions.ClientError as error: return error.response['Error']['Code']\n"
        "    return 'allowed'\n"
        "print(attempt(lambda: s.client('ec2').terminate_instances(InstanceIds=['i-0123456789abcdef0'])))\n"
        "print(attempt(lambda: s.client('secretsmanager').get_secret_value(SecretId='somebody-elses')))\n"
        "print(attempt(lambda: s.client('s3').list_buckets()))\n"
    )
    environment = rehearsal.on(host, "systemctl", "show-environment")
    endpoint = next(line for line in environment.splitlines() if line.startswith("AWS_ENDPOINT_URL="))
    printed = rehearsal.on(host, "env", endpoint, "python3", "-c", script).split()
    assert printed == ["UnauthorizedOperation", "AccessDeniedException", "AccessDenied"]


def test_metadata_wants_a_token(rehearsal: Rehearsal) -> None:
    host = rehearsal.web_instances()[0]["InstanceId"]
    code = ("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "http://169.254.169.254/latest/meta-data/")
    assert rehearsal.on(host, *code) == "401"


def test_a_wrong_bucket_policy_takes_the_page_away(
    rehearsal: Rehearsal, site: httpx.Client, eventually: Eventually
) -> None:
    s3 = rehearsal.client("s3")
    bucket = next(b["Name"] for b in s3.list_buckets()["Buckets"] if b["Name"].endswith("-frontend"))
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    s3.delete_bucket_policy(Bucket=bucket)
    try:
        eventually(lambda: site.get("/sign-in?policy=none").status_code == 403, 20, "CloudFront is refused")
    finally:
        s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    eventually(lambda: site.get("/sign-in?policy=back").status_code == 200, 20, "CloudFront is let in again")


def test_a_closed_security_group_takes_the_hosts_away(
    rehearsal: Rehearsal, site: httpx.Client, eventually: Eventually
) -> None:
    """No new connection comes through; one that is open may live on, as in AWS.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html
    """
    ec2 = rehearsal.client("ec2")
    instance = rehearsal.web_instances()[0]
    balancer = f"alb-{rehearsal.client('elbv2').describe_load_balancers()['LoadBalancers'][0]['LoadBalancerName']}"
    group = ec2.describe_security_groups(GroupIds=[instance["SecurityGroups"][0]["GroupId"]])["SecurityGroups"][0]
    assert _connects(rehearsal, balancer, instance["PrivateIpAddress"], 80)
    ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
    try:
        eventually(lambda: not rehearsal.healthy_targets(), 40, "no host passes its health check")
        assert not _connects(rehearsal, balancer, instance["PrivateIpAddress"], 80)
    finally:
        ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
    # Auto Scaling may meanwhile have replaced them, if their grace period was over: then others have to boot.
    eventually(lambda: len(rehearsal.healthy_targets()) >= 2, 180, "two hosts are healthy again")
    answer = site.get("/api/")
    assert answer.status_code == 200, shown(answer)
