"""Corrections of ACM, KMS and IAM."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.emulator import backchannel

from .conftest import Clients, Network


def certificate(acm: Any, arn: str) -> dict[str, Any]:
    found: dict[str, Any] = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    return found


@pytest.mark.usefixtures("data_plane")
@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
def test_a_certificate_is_pending_until_its_record_was_found(client: Clients, region: str) -> None:
    acm = client("acm", region)
    arn = acm.request_certificate(
        DomainName="app.slipway.localhost",
        SubjectAlternativeNames=["www.slipway.localhost", "*.slipway.localhost"],
        ValidationMethod="DNS",
        KeyAlgorithm="EC_prime256v1",
    )["CertificateArn"]
    found = certificate(acm, arn)
    assert (found["Status"], found["Type"], found["KeyAlgorithm"]) == (
        "PENDING_VALIDATION",
        "AMAZON_ISSUED",
        "EC_prime256v1",
    )
    assert "NotAfter" not in found
    assert found["SubjectAlternativeNames"][0] == "app.slipway.localhost"
    options = found["DomainValidationOptions"]
    assert [one["DomainName"] for one in options] == found["SubjectAlternativeNames"]
    assert {one["ValidationStatus"] for one in options} == {"PENDING_VALIDATION"}
    records = {one["DomainName"]: one["ResourceRecord"] for one in options}
    assert records["*.slipway.localhost"]["Name"].endswith(".slipway.localhost.")
    assert len({record["Name"] for record in records.values()}) == 3
    assert all(record["Value"].endswith(".acm-validations.aws.") for record in records.values())
    backchannel.set_certificate_issued(arn)
    found = certificate(acm, arn)
    assert found["Status"] == "ISSUED"
    assert found["NotAfter"] > found["IssuedAt"]
    assert {one["ValidationStatus"] for one in found["DomainValidationOptions"]} == {"SUCCESS"}
    with pytest.raises(KeyError):
        backchannel.set_certificate_issued(arn + "x")


def test_a_certificate_of_a_listener_is_in_use_and_stays(client: Clients, network: Network) -> None:
    acm, elbv2 = client("acm"), client("elbv2")
    arn = acm.request_certificate(DomainName="origin.slipway.localhost")["CertificateArn"]
    balancer = elbv2.create_load_balancer(Name="tls", Subnets=network.subnet_ids)["LoadBalancers"][0]
    elbv2.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTPS",
        Port=443,
        Certificates=[{"CertificateArn": arn}],
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
    )
    assert certificate(acm, arn)["InUseBy"] == [balancer["LoadBalancerArn"]]
    with pytest.raises(ClientError, match="ResourceInUse"):
        acm.delete_certificate(CertificateArn=arn)
    elbv2.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])
    acm.delete_certificate(CertificateArn=arn)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        certificate(acm, arn)


def test_a_token_makes_one_certificate(client: Clients) -> None:
    acm = client("acm")
    arns = {
        acm.request_certificate(DomainName="a.localhost", IdempotencyToken="1", Tags=[{"Key": "a", "Value": "b"}])[
            "CertificateArn"
        ]
        for _ in range(2)
    }
    assert len(arns) == 1
    listed = acm.list_certificates(Includes={"keyTypes": ["RSA_2048"]})["CertificateSummaryList"]
    assert arns <= {one["CertificateArn"] for one in listed}


def test_a_token_stands_for_no_certificate_that_was_deleted(client: Clients) -> None:
    acm = client("acm")
    asked = {"DomainName": "app.slipway.localhost", "IdempotencyToken": "again"}
    first = acm.request_certificate(**asked)["CertificateArn"]
    acm.delete_certificate(CertificateArn=first)
    second = acm.request_certificate(**asked)["CertificateArn"]
    assert second != first
    assert acm.request_certificate(**asked)["CertificateArn"] == second


def test_the_deletion_of_a_key_is_cancelled_by_its_arn(client: Clients) -> None:
    kms = client("kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    kms.cancel_key_deletion(KeyId=arn)
    # https://docs.aws.amazon.com/kms/latest/APIReference/API_CancelKeyDeletion.html: it has to be enabled again.
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "Disabled"


def test_a_key_is_disabled_enabled_and_deleted_by_its_arn(client: Clients) -> None:
    kms = client("kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    for turn, state in ((kms.disable_key, "Disabled"), (kms.enable_key, "Enabled")):
        turn(KeyId=arn)
        assert kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == state
    kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "PendingDeletion"


def test_awss_managed_policies_can_be_attached(client: Clients) -> None:
    iam = client("iam")
    iam.create_role(RoleName="managed", AssumeRolePolicyDocument='{"Version":"2012-10-17","Statement":[]}')
    for name in ("AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy"):
        arn = f"arn:aws:iam::aws:policy/{name}"
        iam.attach_role_policy(RoleName="managed", PolicyArn=arn)
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        assert iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]["Statement"]
    attached = iam.list_attached_role_policies(RoleName="managed")["AttachedPolicies"]
    assert len(attached) == 2
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.attach_role_policy(RoleName="managed", PolicyArn="arn:aws:iam::aws:policy/NoSuchPolicy")


def test_an_alias_of_no_key_is_not_found(client: Clients) -> None:
    kms = client("kms")
    for name in ("alias/nobody", "arn:aws:kms:eu-west-1:123456789012:alias/nobody"):
        with pytest.raises(ClientError) as refused:
            kms.describe_key(KeyId=name)
        assert refused.value.response["Error"]["Code"] == "NotFoundException"
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/somebody", TargetKeyId=key)
    assert kms.describe_key(KeyId="alias/somebody")["KeyMetadata"]["KeyId"] == key


def test_the_key_that_a_service_makes_for_itself_is_managed_by_aws(client: Clients) -> None:
    ec2, kms = client("ec2"), client("kms")
    volume = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1, Encrypted=True)
    managed = kms.describe_key(KeyId=volume["KmsKeyId"])["KeyMetadata"]
    assert (managed["KeyManager"], kms.get_key_rotation_status(KeyId=managed["KeyId"])["KeyRotationEnabled"]) == (
        "AWS",
        True,
    )
    own = kms.create_key()["KeyMetadata"]
    assert (own["KeyManager"], kms.get_key_rotation_status(KeyId=own["KeyId"])["KeyRotationEnabled"]) == (
        "CUSTOMER",
        False,
    )


def test_a_secret_knows_the_day_on_which_it_was_last_read(client: Clients) -> None:
    secrets = client("secretsmanager")
    secrets.create_secret(Name="read", SecretString="value")
    assert "LastAccessedDate" not in secrets.describe_secret(SecretId="read")
    secrets.get_secret_value(SecretId="read")
    found = secrets.describe_secret(SecretId="read")["LastAccessedDate"].astimezone(UTC)
    assert (found.hour, found.minute, found.second) == (0, 0, 0)
    assert datetime.now(UTC) - found < timedelta(days=2)
