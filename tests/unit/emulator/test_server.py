"""The server: health, addresses, errors, and the news of changes."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.emulator.corrections.images import DEBIAN_OWNER_ID
from rehearsal.emulator.server import Emulator
from rehearsal.images import DEBIAN_13_IMAGE_ID

from .conftest import Clients, make_client


@pytest.fixture
def heard() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def listening(heard: list[tuple[str, str]]) -> Iterator[Emulator]:
    emulator = Emulator(0, on_change=lambda service, action: heard.append((service, action)))
    emulator.start()
    yield emulator
    emulator.stop()


def get(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 (an address of this test)
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_health_is_open_and_the_rest_of_motos_own_api_is_not(emulator: Emulator) -> None:
    status, body = get(f"{emulator.endpoint}/moto-api/")
    assert status == 200
    assert json.loads(body)["status"] == "running"
    assert get(f"{emulator.endpoint}/moto-api/data.json")[0] == 404
    request = urllib.request.Request(f"{emulator.endpoint}/moto-api/reset", method="POST")  # noqa: S310
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(request, timeout=5)  # noqa: S310


def test_nobody_gets_credentials_from_motos_metadata_service(emulator: Emulator) -> None:
    assert get(f"{emulator.endpoint}/latest/meta-data/iam/security-credentials/")[0] == 404


def test_it_listens_on_an_address_that_does_not_exist_yet(emulator: Emulator) -> None:
    emulator.listen_on("198.51.100.7")
    emulator.listen_on("198.51.100.7")


def test_it_listens_on_several_addresses() -> None:
    emulator = Emulator(0, ("127.0.0.1", "127.0.0.2"))
    emulator.start()
    try:
        assert get(f"http://127.0.0.2:{emulator.port}/moto-api/")[0] == 200
    finally:
        emulator.stop()


def test_a_taken_port_is_an_error_and_leaves_nothing_behind(emulator: Emulator) -> None:
    with pytest.raises(OSError, match="in use"):
        Emulator(emulator.port).start()


def test_changes_are_announced_and_readings_are_not(listening: Emulator, heard: list[tuple[str, str]]) -> None:
    ec2, s3 = make_client(listening, "ec2"), make_client(listening, "s3")
    ec2.describe_vpcs()
    assert heard == []
    ec2.create_vpc(CidrBlock="10.0.0.0/16")
    s3.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="bucket", Key="k", Body=b"1")
    s3.get_object(Bucket="bucket", Key="k")
    make_client(listening, "route53").list_hosted_zones()
    assert heard == [("ec2", "CreateVpc"), ("s3", "CreateBucket"), ("s3", "PutObject")]


def test_a_refused_change_is_not_announced(listening: Emulator, heard: list[tuple[str, str]]) -> None:
    with pytest.raises(ClientError):
        make_client(listening, "ec2").create_subnet(VpcId="vpc-1", CidrBlock="10.0.0.0/24")
    assert heard == []


def test_a_missing_operation_says_so_at_once(client: Clients) -> None:
    with pytest.raises(ClientError) as error:
        client("cloudfront").create_field_level_encryption_config(FieldLevelEncryptionConfig={"CallerReference": "1"})
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] in (404, 501)


def test_large_bodies_pass(client: Clients) -> None:
    s3: Any = client("s3")
    s3.create_bucket(Bucket="large", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="large", Key="k", Body=b"x" * 7_000_000)
    assert len(s3.get_object(Bucket="large", Key="k")["Body"].read()) == 7_000_000


def test_debians_image_is_found_by_owner_and_name_in_every_region(client: Clients) -> None:
    for region in ("eu-west-1", "us-east-1"):
        [image] = client("ec2", region).describe_images(
            Owners=[DEBIAN_OWNER_ID],
            Filters=[
                {"Name": "name", "Values": ["debian-13-amd64-*"]},
                {"Name": "architecture", "Values": ["x86_64"]},
                {"Name": "virtualization-type", "Values": ["hvm"]},
            ],
        )["Images"]
        assert image["ImageId"] == DEBIAN_13_IMAGE_ID
        assert image["State"] == "available"
        assert image["RootDeviceName"] == "/dev/xvda"
        assert image["RootDeviceType"] == "ebs"
        assert image["BlockDeviceMappings"][0]["DeviceName"] == "/dev/xvda"
        assert image["CreationDate"] < "2026"


def test_there_is_no_default_vpc(client: Clients) -> None:
    assert client("ec2", "eu-central-1").describe_vpcs()["Vpcs"] == []
    assert client("ec2", "eu-central-1").describe_subnets()["Subnets"] == []
    with pytest.raises(ClientError, match="VPCIdNotSpecified"):
        client("ec2", "eu-central-1").run_instances(ImageId=DEBIAN_13_IMAGE_ID, MinCount=1, MaxCount=1)


def test_a_service_that_the_account_has_not_is_refused_with_a_word(client: Clients) -> None:
    with pytest.raises(ClientError) as refused:
        client("waf-regional").list_web_acls()
    assert refused.value.response["Error"]["Code"] == "NotImplemented"


def test_what_carries_a_token_is_done_once_however_often_it_is_sent(client: Clients) -> None:
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    addresses = [ec2.allocate_address(Domain="vpc")["AllocationId"] for _ in range(2)]
    made = [
        ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address, ClientToken="one")["NatGateway"]["NatGatewayId"]
        for address in (addresses[0], addresses[0], addresses[1])
    ]
    assert made[0] == made[1] != made[2]
    config = {"Type": "HTTPS", "FullyQualifiedDomainName": "app.slipway.test", "Port": 443}
    checks = [
        client("route53").create_health_check(CallerReference="one", HealthCheckConfig=config)["HealthCheck"]["Id"]
        for _ in range(2)
    ]
    assert checks[0] == checks[1]
