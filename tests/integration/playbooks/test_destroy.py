"""An environment goes: in the right order, only when it is meant, to the end, and without what shall stay.

The tests of this file are one story, told in order on one account. The part that needs a whole stack takes minutes, and
is told only when `SLIPWAY_DESTROY_KILLS` says at how many points the run is killed (1 or more).
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearsal.emulator import backchannel

from .account import Account, Ran, end

DESTROY = "playbooks/destroy.yml"
PROVISION = "playbooks/provision.yml"
MEANT = ("-e", "destroy=rehearsal")
ALL = "inventories/rehearsal"
KILLS = int(os.environ.get("SLIPWAY_DESTROY_KILLS", "0"))
NAME = "slipway-rehearsal"
SITE = "app.slipway.localhost"

whole_stack = pytest.mark.skipif(KILLS < 1, reason="takes minutes: SLIPWAY_DESTROY_KILLS=1")


def destroy(account: Account, *words: str) -> Ran:
    return account.run(DESTROY, *words, inventory=ALL)


@pytest.fixture(scope="module")
def provisioned(account: Account) -> None:
    made = account.run(PROVISION, inventory=ALL)
    assert made.status == 0, made.output[-4000:]
    account.client("s3").put_object(Bucket=f"{NAME}-123456789012-frontend", Key="index.html", Body=b"<html>")
    account.client("s3").put_object(Bucket=f"{NAME}-123456789012-releases", Key="releases/1/manifest.json", Body=b"{}")
    account.client("ssm").put_parameter(Name=f"/{NAME}/release/current", Value="1", Type="String")


def test_what_is_not_there_is_not_destroyed(account: Account) -> None:
    ran = destroy(account, *MEANT)
    assert ran.status == 0, ran.output[-4000:]
    assert f"There is nothing of {NAME}" in ran.words
    assert ran.changed == 0
    assert account.writes == set()


@pytest.mark.parametrize("answer", [(), ("-e", "destroy=staging"), ("-e", "destroy=")], ids=["none", "other", "empty"])
def test_what_is_not_meant_calls_nothing(account: Account, answer: tuple[str, ...]) -> None:
    ran = destroy(account, *answer)
    assert ran.status != 0
    assert "[not-confirmed] This would destroy rehearsal" in ran.words
    # The dynamic inventory looks for hosts before any play begins, and the run before this one lets its lock go.
    assert set(account.asked) <= {"ec2:DescribeInstances", "ssm:DeleteParameter"}


def test_backups_stay_with_the_role_that_deletes_them_in_time(account: Account) -> None:
    backup, iam = account.client("backup"), account.client("iam")
    iam.create_role(RoleName=f"{NAME}-backup", AssumeRolePolicyDocument="{}")
    # Without a vault it is a leftover like any other.
    assert f"- role {NAME}-backup" in destroy(account, *MEANT, "--check").words
    backup.create_backup_vault(BackupVaultName=NAME)
    point = f"arn:aws:rds:eu-west-1:123456789012:snapshot:awsbackup:{NAME}"
    backchannel.lay_in_recovery_point(NAME, point)
    ran = destroy(account, *MEANT)
    assert ran.status == 0, ran.output[-4000:]
    assert f"There is nothing of {NAME}" in ran.words
    assert f"- role {NAME}-backup: deletes the backups when their time has come" in ran.words
    assert account.writes == set()
    ran = destroy(account, *MEANT, "-e", "destroy_backups=true")
    assert ran.status == 0, ran.output[-4000:]
    assert backup.list_backup_vaults()["BackupVaultList"] == []
    assert iam.list_roles()["Roles"] == []


@pytest.fixture
def moved(account: Account) -> Iterator[str]:
    """The site is somebody else's by now: its name leads to another platform."""
    route53 = account.client("route53")
    zone = route53.list_hosted_zones()["HostedZones"][0]["Id"]
    records = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    (ours,) = [one for one in records if one["Name"] == f"{SITE}." and one["Type"] == "A"]
    alias = {**ours["AliasTarget"], "DNSName": "d999.cloudfront.net."}

    def write(record: dict[str, Any]) -> None:
        change = {"Action": "UPSERT", "ResourceRecordSet": record}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})

    write({**ours, "AliasTarget": alias})
    yield SITE
    write(ours)


@whole_stack
@pytest.mark.usefixtures("provisioned")
def test_what_is_protected_is_refused_before_the_first_deletion(account: Account) -> None:
    account.client("rds").modify_db_instance(DBInstanceIdentifier=NAME, DeletionProtection=True, ApplyImmediately=True)
    (balancer,) = account.client("elbv2").describe_load_balancers()["LoadBalancers"]
    protection = {"Key": "deletion_protection.enabled", "Value": "true"}
    arn = balancer["LoadBalancerArn"]
    account.client("elbv2").modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[protection])
    ran = destroy(account, *MEANT)
    assert ran.status != 0
    assert f"The database {NAME} is protected from deletion (aws_database_deletion_protection)" in ran.words
    assert f"The load balancer {NAME} is protected from deletion (aws_balancer_deletion_protection)" in ran.words
    assert account.writes == set()
    account.client("rds").modify_db_instance(DBInstanceIdentifier=NAME, DeletionProtection=False, ApplyImmediately=True)
    account.client("elbv2").modify_load_balancer_attributes(
        LoadBalancerArn=arn, Attributes=[{**protection, "Value": "false"}]
    )


@whole_stack
@pytest.mark.usefixtures("provisioned")
def test_a_zone_with_names_that_are_others_by_now_is_refused_before_the_first_deletion(
    account: Account, moved: str
) -> None:
    ran = destroy(account, *MEANT)
    assert ran.status != 0
    assert f"lead to nothing of Slipway's: {moved}. Move them, or keep the zone" in ran.words
    assert account.writes == set()


@whole_stack
@pytest.mark.usefixtures("provisioned")
def test_a_name_that_is_anothers_by_now_is_not_among_what_would_go(account: Account, moved: str) -> None:
    ran = destroy(account, *MEANT, "--check", "-e", "aws_dns_zone_state=existing")
    assert ran.status == 0, ran.output[-4000:]
    assert f"[name-stays] {moved} A in the zone" in ran.words
    assert f"- record {moved} A: points at d999.cloudfront.net, where nothing of this stack answers" in ran.words
    assert f"- record {moved} AAAA" in ran.words
    assert account.writes == set()


@whole_stack
@pytest.mark.usefixtures("provisioned")
def test_a_dry_run_writes_nothing_and_says_what_would_go(account: Account) -> None:
    ran = destroy(account, *MEANT, "--check")
    assert ran.status == 0, ran.output[-4000:]
    assert account.writes == set()
    for line in (f"- database {NAME}", f"- network {NAME}", f"- S3 bucket {NAME}-123456789012-frontend"):
        assert line in ran.words


def killed_after(account: Account, writes: int) -> bool:
    """Start to destroy, and kill the run when it has asked for so many changes. Whether it lived so long."""
    running: list[subprocess.Popen[str]] = []

    def kill(count: int) -> None:
        if count >= writes and running and running[0].poll() is None:
            os.killpg(running[0].pid, signal.SIGKILL)

    account.on_write = kill
    try:
        running.append(account.start(DESTROY, *MEANT, inventory=ALL))
        ran = end(running[0])
    finally:
        account.on_write = None
    return ran.status == -signal.SIGKILL


@whole_stack
@pytest.mark.usefixtures("provisioned")
def test_a_killed_run_is_finished_by_the_next(account: Account) -> None:
    killed = [killed_after(account, 20 + 25 * number) for number in range(KILLS)]
    assert killed[0]
    ran = destroy(account, *MEANT)
    assert ran.status == 0, ran.output[-6000:]
    assert "left over: 0" in ran.output
    # One database, one last snapshot, whenever the run died.
    snapshots = account.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    assert [one["DBInstanceIdentifier"] for one in snapshots] == [NAME]


def _keys_of_what_is_kept(account: Account) -> set[str]:
    """Without its key the last snapshot would be lost, and so would a secret that can still be restored."""
    snapshots = account.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    secrets = account.client("secretsmanager").list_secrets(IncludePlannedDeletion=True)["SecretList"]
    return {one["KmsKeyId"] for one in (*snapshots, *secrets) if one.get("KmsKeyId")}


@whole_stack
def test_nothing_is_left_but_what_is_kept(account: Account) -> None:
    """Looked at without our own listing, by the tags and by the services themselves."""
    tags = [{"Key": "Environment", "Values": ["rehearsal"]}]
    arns = [
        hit["ResourceARN"]
        for region in ("eu-west-1", "us-east-1")
        for hit in account.client("resourcegroupstaggingapi", region).get_resources(TagFilters=tags)[
            "ResourceTagMappingList"
        ]
    ]
    # Shown as deleted for about an hour, with its tags:
    # https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-working-with.html#nat-gateway-delete
    gateways = account.client("ec2").describe_nat_gateways()["NatGateways"]
    assert {one["State"] for one in gateways} <= {"deleted"}
    kept = (":secret:", ":key/", "-releases", ":snapshot:", *(f"natgateway/{one['NatGatewayId']}" for one in gateways))
    assert [arn for arn in arns if not any(word in arn for word in kept)] == []
    ec2 = account.client("ec2")
    assert ec2.describe_vpcs()["Vpcs"] == []
    assert ec2.describe_addresses()["Addresses"] == []
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []
    assert ec2.describe_launch_templates()["LaunchTemplates"] == []
    assert account.client("rds").describe_db_instances()["DBInstances"] == []
    assert account.client("elasticache").describe_replication_groups()["ReplicationGroups"] == []
    assert account.client("elbv2").describe_load_balancers()["LoadBalancers"] == []
    assert account.client("elbv2").describe_target_groups()["TargetGroups"] == []
    assert account.client("cloudfront").list_distributions()["DistributionList"].get("Items", []) == []
    assert account.client("route53").list_hosted_zones()["HostedZones"] == []
    assert account.client("iam").list_roles()["Roles"] == []
    assert account.client("iam").list_instance_profiles()["InstanceProfiles"] == []
    assert account.client("ssm").describe_parameters()["Parameters"] == []
    assert [bucket["Name"] for bucket in account.client("s3").list_buckets()["Buckets"]] == [
        f"{NAME}-123456789012-releases"
    ]
    needed = _keys_of_what_is_kept(account)
    for region in ("eu-west-1", "us-east-1"):
        assert account.client("logs", region).describe_log_groups()["logGroups"] == []
        assert account.client("sns", region).list_topics()["Topics"] == []
        assert account.client("acm", region).list_certificates()["CertificateSummaryList"] == []
        assert account.client("cloudwatch", region).describe_alarms()["MetricAlarms"] == []
        for alias in account.client("kms", region).list_aliases()["Aliases"]:
            if alias["AliasName"].startswith(f"alias/{NAME}"):
                key = account.client("kms", region).describe_key(KeyId=alias["TargetKeyId"])["KeyMetadata"]
                used = any(key["KeyId"] in other for other in needed)
                assert key["KeyState"] == ("Enabled" if used else "PendingDeletion"), alias


@whole_stack
def test_destroying_it_twice_changes_nothing(account: Account) -> None:
    ran = destroy(account, *MEANT)
    assert (ran.status, ran.changed) == (0, 0), ran.output[-4000:]
    assert account.writes == set()


@whole_stack
def test_a_converge_brings_it_back_with_its_secrets_and_keys(account: Account) -> None:
    deleted = list(account.client("secretsmanager").list_secrets(IncludePlannedDeletion=True)["SecretList"])
    assert len(deleted) == 3
    made = account.run(PROVISION, inventory=ALL)
    assert made.status == 0, made.output[-6000:]
    restored = account.client("secretsmanager").list_secrets()["SecretList"]
    assert {one["ARN"] for one in restored} == {one["ARN"] for one in deleted}
    states = [
        account.client("kms").describe_key(KeyId=f"alias/{NAME}-{name}")["KeyMetadata"]["KeyState"]
        for name in ("logs", "data")
    ]
    assert states == ["Enabled", "Enabled"]
    assert account.client("rds").describe_db_instances()["DBInstances"][0]["DBInstanceIdentifier"] == NAME


def test_the_module_refuses_a_bucket_of_others(account: Account, tmp_path: Path) -> None:
    location = {"LocationConstraint": "eu-west-1"}
    account.client("s3").create_bucket(Bucket="somebody-elses", CreateBucketConfiguration=location)
    account.client("s3").put_object(Bucket="somebody-elses", Key="a", Body=b"a")
    path = tmp_path / "bucket.yml"
    path.write_text(
        "- {hosts: localhost, connection: local, gather_facts: false, "
        "vars: {ansible_python_interpreter: '{{ ansible_playbook_python }}'}, tasks: [{slipway.aws.s3_bucket_removal: "
        "{name: somebody-elses, bucket_tags: {Environment: rehearsal}, region: eu-west-1}}]}\n"
    )
    ran = account.run(path, inventory="localhost,")
    assert "lacks the tags Environment=rehearsal" in ran.words
    assert account.client("s3").get_object(Bucket="somebody-elses", Key="a")["Body"].read() == b"a"
