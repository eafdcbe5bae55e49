"""Instance metadata: the documents, the protocol, and real clients of it (botocore; cloud-init in a container)."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.utils import InstanceMetadataFetcher
from moto import mock_aws

from rehearsal.dataplane import firewall, metadata
from rehearsal.dataplane.metadata import EmulatedAccount, Metadata, MetadataServers, Subject, Tokens

if TYPE_CHECKING:
    from tests.unit.dataplane.conftest import Laboratory

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
MAC = "02:12:34:56:78:9a"


def instance(**given: Any) -> dict[str, Any]:
    return {
        "InstanceId": "i-0123456789abcdef0",
        "ImageId": "ami-0123456789abcdef0",
        "InstanceType": "t3.micro",
        "PrivateDnsName": "ip-10-20-1-7.eu-west-1.compute.internal",
        "PrivateIpAddress": "10.20.1.7",
        "Placement": {"AvailabilityZone": "eu-west-1a"},
        "MetadataOptions": {"HttpTokens": "required", "HttpEndpoint": "enabled"},
        "SecurityGroups": [{"GroupId": "sg-1", "GroupName": "web"}],
        "LaunchTime": datetime(2026, 11, 22, 12, 0, tzinfo=UTC),
        "NetworkInterfaces": [
            {
                "NetworkInterfaceId": "eni-1",
                "MacAddress": MAC,
                "PrivateIpAddress": "10.20.1.7",
                "SubnetId": "subnet-1",
                "VpcId": "vpc-1",
                "Groups": [{"GroupId": "sg-1", "GroupName": "web"}],
            }
        ],
        **given,
    }


@dataclass
class Account:
    """An account with one instance, which is found whatever address asks."""

    instance: Mapping[str, Any]
    data: bytes | None = None
    trust: Mapping[str, Any] = field(default_factory=lambda: TRUST)
    state: str | None = None

    def subject(self, address: str) -> Subject | None:
        assert address
        return Subject(self.instance, "123456789012", "r-1", "10.20.1.0/24", "10.20.0.0/16")

    def user_data(self, instance_id: str) -> bytes | None:
        assert instance_id == self.instance["InstanceId"]
        return self.data

    def role(self, profile_arn: str) -> Mapping[str, Any] | None:
        assert profile_arn.endswith("/web")
        return {"RoleName": "web-role", "Arn": "arn:role", "AssumeRolePolicyDocument": self.trust}

    def credentials(self, role: Mapping[str, Any], session: str) -> Mapping[str, Any]:
        assert (role["Arn"], session) == ("arn:role", self.instance["InstanceId"])
        end = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
        return {"AccessKeyId": "ASIA", "SecretAccessKey": "secret", "SessionToken": "token", "Expiration": end}

    def lifecycle_state(self, instance_id: str) -> str | None:
        assert instance_id
        return self.state


def ask(account: Account, path: str, **headers: str) -> tuple[int, str]:
    """Ask with a good token."""
    service = Metadata(account)
    token = service.answer("PUT", "/latest/api/token", {metadata.TTL_HEADER: "60"}, "10.20.1.7").body.decode()
    answer = service.answer("GET", path, {metadata.TOKEN_HEADER: token, **headers}, "10.20.1.7")
    return answer.status, answer.body.decode()


# -- documents -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("instance-id", "i-0123456789abcdef0"),
        ("ami-id", "ami-0123456789abcdef0"),
        ("local-ipv4", "10.20.1.7"),
        ("local-hostname", "ip-10-20-1-7.eu-west-1.compute.internal"),
        ("placement/availability-zone", "eu-west-1a"),
        ("placement/region", "eu-west-1"),
        ("placement/", "availability-zone\nregion"),
        ("services/domain", "amazonaws.com"),
        ("security-groups", "web"),
        ("mac", MAC),
        ("network/interfaces/macs/", f"{MAC}/"),
        (f"network/interfaces/macs/{MAC}/vpc-ipv4-cidr-block", "10.20.0.0/16"),
        (f"network/interfaces/macs/{MAC}/device-number", "0"),
    ],
)
def test_values(path: str, expected: str) -> None:
    assert ask(Account(instance()), f"/latest/meta-data/{path}") == (200, expected)


@pytest.mark.parametrize(
    "path",
    [
        "/latest/meta-data/nothing",
        "/latest/meta-data/instance-id/below",
        "/latest/meta-data/iam/info",
        "/latest/meta-data/tags/instance",
        "/latest/meta-data/autoscaling/target-lifecycle-state",
        "/latest/user-data",
        "/latest/dynamic/instance-identity/pkcs7",
        "/1999-01-01/meta-data/",
    ],
)
def test_what_an_instance_does_not_have(path: str) -> None:
    assert ask(Account(instance()), path)[0] == 404


def test_listings() -> None:
    status, text = ask(Account(instance()), "/latest/meta-data/")
    names = text.splitlines()
    assert status == 200
    assert {"instance-id", "placement/", "network/"} <= set(names)
    assert names == sorted(names)
    assert ask(Account(instance()), "/latest/") == (200, "dynamic\nmeta-data")
    assert ask(Account(instance(), data=b"x"), "/latest") == (200, "dynamic\nmeta-data\nuser-data")
    assert "latest" in ask(Account(instance()), "/")[1].splitlines()


def test_user_data_is_bytes() -> None:
    service = Metadata(Account(instance(MetadataOptions={}), data=b"\x1f\x8b\x00\xff"))
    assert service.answer("GET", "/latest/user-data", {}, "10.20.1.7").body == b"\x1f\x8b\x00\xff"


def test_tags_are_there_when_they_are_asked_for() -> None:
    options = {"HttpTokens": "required", "InstanceMetadataTags": "enabled"}
    tagged = instance(MetadataOptions=options, Tags=[{"Key": "Role", "Value": "web"}])
    assert ask(Account(tagged), "/latest/meta-data/tags/instance/Role") == (200, "web")
    assert ask(Account(instance(Tags=tagged["Tags"])), "/latest/meta-data/tags/instance/Role")[0] == 404


@pytest.mark.parametrize(
    ("state", "target"),
    [
        ("Pending:Wait", "InService"),
        ("InService", "InService"),
        ("Terminating:Wait", "Terminated"),
        ("Terminating", "Terminated"),
        ("EnteringStandby", "Standby"),
    ],
)
def test_target_lifecycle_state(state: str, target: str) -> None:
    member = instance(Tags=[{"Key": "aws:autoscaling:groupName", "Value": "web"}])
    assert ask(Account(member, state=state), "/latest/meta-data/autoscaling/target-lifecycle-state") == (200, target)


def test_identity_document() -> None:
    found = json.loads(ask(Account(instance()), "/latest/dynamic/instance-identity/document")[1])
    assert (found["accountId"], found["region"], found["pendingTime"]) == (
        "123456789012",
        "eu-west-1",
        "2026-11-22T12:00:00Z",
    )


PROFILE = {"Arn": "arn:aws:iam::123456789012:instance-profile/web", "Id": "AIPA"}


def test_credentials() -> None:
    account = Account(instance(IamInstanceProfile=PROFILE))
    assert ask(account, "/latest/meta-data/iam/security-credentials/") == (200, "web-role")
    found = json.loads(ask(account, "/latest/meta-data/iam/security-credentials/web-role")[1])
    assert (found["Code"], found["Type"], found["AccessKeyId"], found["Token"], found["Expiration"]) == (
        "Success",
        "AWS-HMAC",
        "ASIA",
        "token",
        "2026-11-22T13:00:00Z",
    )
    assert json.loads(ask(account, "/latest/meta-data/iam/info")[1])["InstanceProfileArn"] == PROFILE["Arn"]


def test_a_role_that_does_not_trust_ec2_gives_no_credentials() -> None:
    trust = {
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": "sts:AssumeRole"}]
    }
    account = Account(instance(IamInstanceProfile=PROFILE), trust=trust)
    found = json.loads(ask(account, "/latest/meta-data/iam/security-credentials/web-role")[1])
    assert found["Code"] == "AssumeRoleUnauthorizedAccess"
    assert "AccessKeyId" not in found


# -- protocol ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({metadata.TTL_HEADER: "21600"}, 200),
        ({metadata.TTL_HEADER: "1"}, 200),
        ({metadata.TTL_HEADER: "0"}, 400),
        ({metadata.TTL_HEADER: "21601"}, 400),
        ({metadata.TTL_HEADER: "-1"}, 400),
        ({metadata.TTL_HEADER: "x"}, 400),
        ({}, 400),
        ({metadata.TTL_HEADER: "60", "X-Forwarded-For": "1.2.3.4"}, 403),
    ],
)
def test_tokens_are_asked_for_with_a_time(headers: dict[str, str], status: int) -> None:
    answer = Metadata(Account(instance())).answer("PUT", "/latest/api/token", headers, "10.20.1.7")
    assert answer.status == status
    assert bool(answer.body) is (status == 200)


def test_version_1_answers_where_the_instance_allows_it() -> None:
    strict, lax = instance(), instance(MetadataOptions={"HttpTokens": "optional"})
    path = "/latest/meta-data/instance-id"
    assert Metadata(Account(strict)).answer("GET", path, {}, "10.20.1.7").status == 401
    assert Metadata(Account(lax)).answer("GET", path, {}, "10.20.1.7").status == 200
    assert Metadata(Account(lax)).answer("GET", path, {metadata.TOKEN_HEADER: "bad"}, "10.20.1.7").status == 401
    off = instance(MetadataOptions={"HttpEndpoint": "disabled"})
    assert Metadata(Account(off)).answer("GET", path, {}, "10.20.1.7").status == 403
    assert Metadata(Account(strict)).answer("POST", path, {}, "10.20.1.7").status == 405


def test_a_token_is_good_for_one_instance_and_its_time() -> None:
    now = [1000.0]
    tokens = Tokens(clock=lambda: now[0])
    token = tokens.issue("i-1", 60)
    assert tokens.remaining(token, "i-1") == 60
    assert tokens.remaining(token, "i-2") is None
    assert tokens.remaining("", "i-1") is None
    assert tokens.remaining("é", "i-1") is None
    assert Tokens().remaining(token, "i-1") is None
    now[0] += 61
    assert tokens.remaining(token, "i-1") is None


# -- against an emulated account -----------------------------------------------------------------------------


@pytest.fixture
def aws() -> Iterator[Callable[[str], Any]]:
    with mock_aws():
        client: Any = boto3.client
        yield lambda service: client(service, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")


def launch(aws: Callable[[str], Any], **given: Any) -> str:
    """An instance whose private address is 127.0.0.1, from where this test asks."""
    ec2, iam = aws("ec2"), aws("iam")
    iam.create_role(RoleName="web-role", AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.create_instance_profile(InstanceProfileName="web")
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web-role")
    vpc = ec2.create_vpc(CidrBlock="127.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="127.0.0.0/24")["Subnet"]["SubnetId"]
    image = ec2.register_image(Name="debian", RootDeviceName="/dev/xvda")["ImageId"]
    reservation = ec2.run_instances(
        ImageId=image,
        MinCount=1,
        MaxCount=1,
        InstanceType="t3.micro",
        SubnetId=subnet,
        PrivateIpAddress="127.0.0.1",
        IamInstanceProfile={"Name": "web"},
        **given,
    )
    return str(reservation["Instances"][0]["InstanceId"])


@pytest.fixture
def servers(aws: Callable[[str], Any]) -> Iterator[MetadataServers]:
    found = MetadataServers(EmulatedAccount(aws), 0)
    yield found
    found.stop()


def test_botocore_finds_its_credentials(aws: Callable[[str], Any], servers: MetadataServers) -> None:
    launch(aws, MetadataOptions={"HttpTokens": "required"})
    port = servers.listen("127.0.0.1")
    fetcher = InstanceMetadataFetcher(
        timeout=2, num_attempts=1, config={"ec2_metadata_service_endpoint": f"http://127.0.0.1:{port}/"}
    )
    found = fetcher.retrieve_iam_role_credentials()
    assert found["role_name"] == "web-role"
    identity = boto3.client(
        "sts",
        region_name="eu-west-1",
        aws_access_key_id=found["access_key"],
        aws_secret_access_key=found["secret_key"],
        aws_session_token=found["token"],
    ).get_caller_identity()
    assert identity["Arn"].rsplit(":", 1)[-1].startswith("assumed-role/web-role/i-")


def test_credentials_are_renewed_before_they_end(aws: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    launch(aws)
    account = EmulatedAccount(aws)
    subject = account.subject("127.0.0.1")
    assert subject is not None
    role = account.role(subject.instance["IamInstanceProfile"]["Arn"])
    assert role is not None
    first = account.credentials(role, subject.id)
    assert account.credentials(role, subject.id) == first
    monkeypatch.setattr(metadata, "RENEW_BEFORE", timedelta(hours=2))
    assert account.credentials(role, subject.id)["AccessKeyId"] != first["AccessKeyId"]


def test_over_http(aws: Callable[[str], Any], servers: MetadataServers) -> None:
    instance_id = launch(aws, UserData="#!/bin/sh\necho ü\n", MetadataOptions={"HttpTokens": "optional"})
    connection = http.client.HTTPConnection("127.0.0.1", servers.listen("127.0.0.1"), timeout=5)

    def get(path: str) -> tuple[int, str]:
        connection.request("GET", path)
        response = connection.getresponse()
        assert response.headers["Server"] == "EC2ws"
        return response.status, response.read().decode()

    assert get("/latest/meta-data/instance-id") == (200, instance_id)
    assert get("/latest/user-data") == (200, "#!/bin/sh\necho ü\n")
    assert get("/latest/nothing") == (404, "")
    aws("ec2").terminate_instances(InstanceIds=[instance_id])
    time.sleep(metadata.CACHE_SECONDS + 0.2)
    assert get("/latest/meta-data/instance-id")[0] == 404


def test_an_address_that_is_not_there_yet_can_be_listened_on() -> None:
    servers = MetadataServers(Account(instance()), 0)
    try:
        assert servers.listen("192.0.2.77") > 0
    finally:
        servers.stop()


# -- cloud-init ----------------------------------------------------------------------------------------------

CLOUD_CONFIG = b"""#cloud-config
write_files:
  - path: /etc/slipway/host.json
    content: '{"environment": "rehearsal"}'
runcmd:
  - [sh, -c, "echo once >> /root/count"]
"""
SCRIPT = b"#!/bin/bash\necho once >> /root/count\n"
OVERLAY = Path(metadata.__file__).parents[1] / "machine_image"


def overlay() -> dict[Path, str]:
    """The files that make the machine image boot as an instance, for an image that may not have them."""
    files = [path for path in OVERLAY.rglob("*") if path.is_file() and path.suffix in (".cfg", ".py")]
    return {path: f"/{path.relative_to(OVERLAY)}:ro" for path in files}


@pytest.mark.parametrize(("user_data", "number"), [(CLOUD_CONFIG, 50), (SCRIPT, 51)])
def test_cloud_init_runs_user_data_once(laboratory: Laboratory, user_data: bytes, number: int) -> None:
    volumes = overlay()
    if not volumes:
        pytest.skip("the machine image has no overlay")
    address = f"{laboratory.gateway.rsplit('.', 1)[0]}.{number}"
    servers = MetadataServers(Account(instance(PrivateIpAddress=address), data=user_data), 0)
    port = servers.listen(laboratory.gateway)
    name = ""

    def boot(pid: int) -> str:
        firewall.seal(pid, gateway=laboratory.gateway, vpc_cidr=laboratory.cidr, metadata_port=port)
        laboratory.engine.run(
            "exec", name, "sh", "-c", "until test -e /run/cloud-init/result.json; do sleep 0.1; done", timeout=60
        )
        status = laboratory.engine.run("exec", name, "cat", "/run/cloud-init/result.json")
        assert json.loads(status)["v1"]["errors"] == []
        assert "DataSourceEc2" in json.loads(status)["v1"]["datasource"]
        return laboratory.engine.run("exec", name, "cat", "/root/count")

    try:
        name, pid = laboratory.start(
            address, ["/sbin/init"], image=laboratory.machine_image, systemd=True, volumes=volumes
        )
        assert boot(pid) == "once"
        assert laboratory.engine.run("exec", name, "hostname").startswith("ip-10-20-1-7")
        if user_data == CLOUD_CONFIG:
            assert "rehearsal" in laboratory.engine.run("exec", name, "cat", "/etc/slipway/host.json")
        laboratory.engine.run("restart", "--time=20", name)
        assert boot(int(laboratory.engine.run("inspect", "--format={{.State.Pid}}", name))) == "once"
    finally:
        if name:
            laboratory.remove(name)
        servers.stop()
