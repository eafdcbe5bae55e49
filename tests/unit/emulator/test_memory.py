"""The account survives the death of its process, and refuses a memory that is not its own."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.emulator import memory
from rehearsal.emulator.memory import Memory, MemoryUnusableError
from rehearsal.emulator.operator import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from rehearsal.emulator.server import Emulator
from rehearsal.images import DEBIAN_13_IMAGE_ID
from rehearsal.settings import REGION

from .conftest import Network, make_client

SERVER = """
import sys, threading
from pathlib import Path
from rehearsal.emulator.server import Emulator
emulator = Emulator(int(sys.argv[1]), state=Path(sys.argv[2]))
emulator.start()
sys.stdin.read()
emulator.stop()
"""


class Account:
    """An emulated account in a process of its own."""

    def __init__(self, port: int, state: Path) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(port), str(state)],
            stdin=subprocess.PIPE,
            cwd=Path(__file__).parents[3],
        )
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                self.client("sts").get_caller_identity()
                return
            except BotoCoreError:
                assert self.process.poll() is None
                time.sleep(0.1)
        raise AssertionError("the account did not start")

    def client(self, service: str, region: str = REGION) -> Any:
        return boto3.client(  # type: ignore[call-overload]
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(20) == 0


@contextmanager
def running(port: int, state: Path) -> Iterator[Account]:
    account = Account(port, state)
    try:
        yield account
    finally:
        if account.process.poll() is None:
            account.kill()


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def build(account: Account) -> dict[str, Any]:
    """One of everything that the stack has."""
    network = Network(account.client("ec2"))
    made: dict[str, Any] = {"vpc": network.vpc_id, "subnets": network.subnet_ids, "group": network.group_id}
    ec2, s3 = account.client("ec2"), account.client("s3")
    made["template"] = ec2.create_launch_template(
        LaunchTemplateName="web",
        LaunchTemplateData={"ImageId": DEBIAN_13_IMAGE_ID, "InstanceType": "t3.micro"},
    )["LaunchTemplate"]["LaunchTemplateId"]
    account.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName="web",
        MinSize=2,
        MaxSize=3,
        LaunchTemplate={"LaunchTemplateId": made["template"], "Version": "$Latest"},
        VPCZoneIdentifier=",".join(network.subnet_ids),
    )
    s3.create_bucket(Bucket="releases", CreateBucketConfiguration={"LocationConstraint": REGION})
    body = os.urandom(5_000_000)
    made["digest"] = hashlib.sha256(body).hexdigest()
    s3.put_object(Bucket="releases", Key="backend.tar.gz", Body=body)
    rds = account.client("rds")
    rds.create_db_subnet_group(DBSubnetGroupName="data", DBSubnetGroupDescription="d", SubnetIds=network.subnet_ids)
    made["database"] = rds.create_db_instance(
        DBInstanceIdentifier="data",
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        DBSubnetGroupName="data",
        MasterUsername="app",
        MasterUserPassword="password-1",
        AllocatedStorage=20,
    )["DBInstance"]["DbiResourceId"]
    cache = account.client("elasticache")
    cache.create_cache_subnet_group(
        CacheSubnetGroupName="cache", CacheSubnetGroupDescription="c", SubnetIds=network.subnet_ids
    )
    made["cache"] = cache.create_replication_group(
        ReplicationGroupId="cache",
        ReplicationGroupDescription="c",
        Engine="valkey",
        CacheNodeType="cache.t4g.micro",
        CacheSubnetGroupName="cache",
    )["ReplicationGroup"]["ARN"]
    made["certificate"] = account.client("acm", "us-east-1").request_certificate(DomainName="app.localhost")[
        "CertificateArn"
    ]
    made["distribution"] = account.client("cloudfront").create_distribution(
        DistributionConfig={
            "CallerReference": "1",
            "Comment": "",
            "Enabled": True,
            "Origins": {
                "Quantity": 1,
                "Items": [
                    {
                        "Id": "s3",
                        "DomainName": "releases.s3.eu-west-1.amazonaws.com",
                        "S3OriginConfig": {"OriginAccessIdentity": ""},
                    }
                ],
            },
            "DefaultCacheBehavior": {
                "TargetOriginId": "s3",
                "ViewerProtocolPolicy": "https-only",
                "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
            },
        }
    )["Distribution"]["Id"]
    made["secret"] = account.client("secretsmanager").create_secret(Name="s", SecretString="hidden")["ARN"]
    account.client("ssm").put_parameter(Name="/a/b", Value="1", Type="String")
    made["key"] = account.client("kms").create_key()["KeyMetadata"]["KeyId"]
    made["zone"] = account.client("route53").create_hosted_zone(Name="localhost", CallerReference="1")["HostedZone"][
        "Id"
    ]
    account.client("logs").create_log_group(logGroupName="/web")
    account.client("sqs").create_queue(QueueName="jobs")
    made["topic"] = account.client("sns").create_topic(Name="alarms")["TopicArn"]
    account.client("cloudwatch").put_metric_alarm(
        AlarmName="a",
        MetricName="m",
        Namespace="n",
        Period=60,
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanThreshold",
        Threshold=1.0,
        Statistic="Sum",
    )
    balancer = account.client("elbv2").create_load_balancer(Name="web", Subnets=network.subnet_ids)
    made["balancer"] = balancer["LoadBalancers"][0]["LoadBalancerArn"]
    made["instances"] = instances(account)
    return made


def instances(account: Account) -> dict[str, str]:
    return {
        one["InstanceId"]: one["PrivateIpAddress"]
        for reservation in account.client("ec2").describe_instances()["Reservations"]
        for one in reservation["Instances"]
    }


def found(account: Account, made: dict[str, Any]) -> dict[str, Any]:
    """The same, as it is now."""
    ec2 = account.client("ec2")
    database = account.client("rds").describe_db_instances(DBInstanceIdentifier="data")["DBInstances"][0]
    body = account.client("s3").get_object(Bucket="releases", Key="backend.tar.gz")["Body"].read()
    certificate = account.client("acm", "us-east-1").describe_certificate(CertificateArn=made["certificate"])
    return {
        "vpc": ec2.describe_vpcs()["Vpcs"][0]["VpcId"],
        "subnets": sorted((one["SubnetId"] for one in ec2.describe_subnets()["Subnets"]), key=made["subnets"].index),
        "group": ec2.describe_security_groups(GroupIds=[made["group"]])["SecurityGroups"][0]["GroupId"],
        "template": ec2.describe_launch_templates()["LaunchTemplates"][0]["LaunchTemplateId"],
        "digest": hashlib.sha256(body).hexdigest(),
        "database": database["DbiResourceId"],
        "cache": account.client("elasticache").describe_replication_groups()["ReplicationGroups"][0]["ARN"],
        "certificate": certificate["Certificate"]["CertificateArn"],
        "distribution": account.client("cloudfront").list_distributions()["DistributionList"]["Items"][0]["Id"],
        "secret": account.client("secretsmanager").describe_secret(SecretId="s")["ARN"],
        "key": account.client("kms").list_keys()["Keys"][0]["KeyId"],
        "zone": account.client("route53").list_hosted_zones()["HostedZones"][0]["Id"],
        "topic": account.client("sns").list_topics()["Topics"][0]["TopicArn"],
        "balancer": account.client("elbv2").describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"],
        "instances": instances(account),
    }


def test_everything_is_there_again_after_a_kill(port: int, tmp_path: Path) -> None:
    with running(port, tmp_path) as account:
        made = build(account)
        time.sleep(2.0)
        account.kill()
    snapshot = tmp_path / "account.pickle"
    assert snapshot.stat().st_mode & 0o777 == 0o600
    # Contents of objects lie beside it, once each.
    assert snapshot.stat().st_size < 1_000_000
    assert (tmp_path / "objects" / made["digest"]).stat().st_size == 5_000_000

    with running(port, tmp_path) as account:
        assert found(account, made) == made
        secrets = account.client("secretsmanager")
        assert secrets.get_secret_value(SecretId="s")["SecretString"] == "hidden"
        # The account goes on: nothing that is made now takes the place of what was there.
        ec2 = account.client("ec2")
        autoscaling = account.client("autoscaling")
        autoscaling.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=3)
        later = instances(account)
        assert len(later) == 3
        assert len(set(later.values())) == 3
        assert made["instances"].items() <= later.items()
        version = ec2.create_launch_template_version(
            LaunchTemplateId=made["template"], LaunchTemplateData={"ImageId": DEBIAN_13_IMAGE_ID}
        )
        assert version["LaunchTemplateVersion"]["VersionNumber"] == 2
        Network(ec2, "10.40.0.0/16")
        # A bucket that is remembered is not made once more, empty.
        with pytest.raises(ClientError, match="BucketAlreadyOwnedByYou"):
            account.client("s3").create_bucket(
                Bucket="releases", CreateBucketConfiguration={"LocationConstraint": REGION}
            )
        account.client("s3").delete_object(Bucket="releases", Key="backend.tar.gz")
        account.stop()
    assert list((tmp_path / "objects").iterdir()) == []

    with running(port, tmp_path) as account:
        assert instances(account) == later
        assert len(account.client("ec2").describe_vpcs()["Vpcs"]) == 2


def test_an_empty_account_knows_no_bucket_of_the_one_before() -> None:
    location = {"LocationConstraint": REGION}
    for _ in range(2):
        emulator = Emulator(0)
        emulator.start()
        try:
            s3 = make_client(emulator, "s3")
            with pytest.raises(ClientError, match="NoSuchBucket"):
                s3.get_bucket_policy(Bucket="releases")
            s3.create_bucket(Bucket="releases", CreateBucketConfiguration=location)
        finally:
            emulator.stop()


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Memory]:
    kept = Memory(tmp_path)
    memory.forget()
    kept.write()
    yield kept
    memory.forget()


def test_an_account_in_which_somebody_asked_for_functions_is_written(port: int, tmp_path: Path) -> None:
    with running(port, tmp_path) as account:
        assert account.client("lambda").list_functions()["Functions"] == []
        account.client("sns").create_topic(Name="after")
        account.stop()
    with running(port, tmp_path) as account:
        assert account.client("lambda").list_functions()["Functions"] == []
        assert account.client("sns").list_topics()["Topics"][0]["TopicArn"].endswith(":after")


def test_an_account_whose_tags_somebody_is_reading_is_written(port: int, tmp_path: Path) -> None:
    with running(port, tmp_path) as account:
        for number in range(3):
            account.client("sns").create_topic(Name=f"topic-{number}", Tags=[{"Key": "Project", "Value": "slipway"}])
        half = account.client("resourcegroupstaggingapi").get_resources(ResourcesPerPage=1)
        account.client("sns").create_topic(Name="after")
        account.stop()
    with running(port, tmp_path) as account:
        assert len(account.client("sns").list_topics()["Topics"]) == 4
        tags = account.client("resourcegroupstaggingapi")
        with pytest.raises(ClientError, match="PaginationTokenExpired"):
            tags.get_resources(ResourcesPerPage=1, PaginationToken=half["PaginationToken"])
        assert len(tags.get_resources()["ResourceTagMappingList"]) == 3


class TestRefusals:
    def test_nothing_to_remember(self, tmp_path: Path) -> None:
        assert Memory(tmp_path).restore() is False

    def test_its_own_is_taken(self, written: Memory) -> None:
        assert written.restore() is True

    def test_a_damaged_one(self, written: Memory) -> None:
        content = written.path.read_bytes()
        written.path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(MemoryUnusableError, match="damaged"):
            written.restore()

    @pytest.mark.parametrize("content", [b"", b"nothing\n", b"[]\n", b"\x80\x05."])
    def test_something_else(self, written: Memory, content: bytes) -> None:
        written.path.write_bytes(content)
        with pytest.raises(MemoryUnusableError, match="was written with"):
            written.restore()

    def test_another_version_of_moto(self, written: Memory) -> None:
        line, _, payload = written.path.read_bytes().partition(b"\n")
        header = {**json.loads(line), "moto": "5.0.0"}
        written.path.write_bytes(json.dumps(header).encode() + b"\n" + payload)
        with pytest.raises(MemoryUnusableError, match=r"moto 5\.0\.0"):
            written.restore()

    def test_one_that_others_may_write(self, written: Memory) -> None:
        written.path.chmod(0o666)
        with pytest.raises(MemoryUnusableError, match="foreign code"):
            written.restore()

    def test_one_that_cannot_be_read(self, written: Memory) -> None:
        written.path.unlink()
        written.path.mkdir(mode=0o700)
        with pytest.raises(MemoryUnusableError, match="cannot be read"):
            written.restore()
