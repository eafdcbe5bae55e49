"""Corrections of RDS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.emulator import backchannel

from .conftest import Clients, Network


@pytest.fixture(scope="module")
def rds(client: Clients, network: Network) -> Any:
    rds = client("rds")
    rds.create_db_subnet_group(DBSubnetGroupName="data", DBSubnetGroupDescription="data", SubnetIds=network.subnet_ids)
    rds.create_db_parameter_group(DBParameterGroupName="data", DBParameterGroupFamily="postgres17", Description="data")
    return rds


def create(rds: Any, name: str, **arguments: Any) -> dict[str, Any]:
    found: dict[str, Any] = rds.create_db_instance(
        DBInstanceIdentifier=name,
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        MasterUsername="app",
        MasterUserPassword="first-password",
        DBSubnetGroupName="data",
        StorageType="gp3",
        **{"EngineVersion": "17", "AllocatedStorage": 20, **arguments},
    )["DBInstance"]
    return found


def status(rds: Any, name: str) -> str:
    return str(rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["DBInstanceStatus"])


def test_an_instance_is_complete(rds: Any, client: Clients, network: Network) -> None:
    found = create(rds, "complete", MultiAZ=True)
    assert found["EngineVersion"].startswith("17.")
    assert (found["Iops"], found["StorageThroughput"]) == (3000, 125)
    assert found["DBParameterGroups"][0]["DBParameterGroupName"] == "default.postgres17"
    assert found["LicenseModel"] == "postgresql-license"
    assert found["CACertificateIdentifier"] == "rds-ca-rsa2048-g1"
    assert found["Endpoint"]["Address"].endswith(".eu-west-1.rds.amazonaws.com")
    assert {found["AvailabilityZone"], found["SecondaryAvailabilityZone"]} == {"eu-west-1a", "eu-west-1b"}
    [group] = found["VpcSecurityGroups"]
    [default] = client("ec2").describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [network.vpc_id]}, {"Name": "group-name", "Values": ["default"]}]
    )["SecurityGroups"]
    assert group["VpcSecurityGroupId"] == default["GroupId"]
    assert found["DbiResourceId"] != create(rds, "another")["DbiResourceId"]


def test_versions(rds: Any) -> None:
    assert create(rds, "minor", EngineVersion="16.4")["EngineVersion"] == "16.4"
    with pytest.raises(ClientError, match=r"Cannot find version 9\.6"):
        create(rds, "old", EngineVersion="9.6")
    listed = rds.describe_db_engine_versions(Engine="postgres", EngineVersion="17")["DBEngineVersions"]
    assert {one["DBParameterGroupFamily"] for one in listed} == {"postgres17"}
    [default] = rds.describe_db_engine_versions(Engine="postgres", DefaultOnly=True)["DBEngineVersions"]
    assert default["EngineVersion"].startswith("17.")


@pytest.mark.usefixtures("data_plane")
def test_states_wait_for_their_word(rds: Any) -> None:
    create(rds, "waits")
    assert status(rds, "waits") == "creating"
    backchannel.set_db_instance_status("waits", "available")
    assert status(rds, "waits") == "available"
    assert backchannel.database_master_password("waits") == "first-password"
    rds.modify_db_instance(DBInstanceIdentifier="waits", MasterUserPassword="second-password", ApplyImmediately=True)
    assert backchannel.database_master_password("waits") == "second-password"
    rds.reboot_db_instance(DBInstanceIdentifier="waits")
    assert status(rds, "waits") == "rebooting"
    with pytest.raises(ClientError, match="FinalDBSnapshotIdentifier is required"):
        rds.delete_db_instance(DBInstanceIdentifier="waits")
    rds.delete_db_instance(DBInstanceIdentifier="waits", SkipFinalSnapshot=True)
    assert status(rds, "waits") == "deleting"
    backchannel.set_db_instance_status("waits", "available")
    assert status(rds, "waits") == "deleting"
    with pytest.raises(ClientError, match="already being deleted"):
        rds.delete_db_instance(DBInstanceIdentifier="waits", SkipFinalSnapshot=True)
    backchannel.forget_db_instance("waits")
    with pytest.raises(ClientError, match="DBInstanceNotFound"):
        status(rds, "waits")
    with pytest.raises(KeyError):
        backchannel.set_db_instance_status("waits", "available")


def test_storage_of_four_volumes_has_their_performance_and_grows_with_it(rds: Any) -> None:
    made = create(rds, "large", AllocatedStorage=400)
    assert (made["Iops"], made["StorageThroughput"]) == (12000, 500)
    create(rds, "small")

    def modify(name: str, **changes: int) -> dict[str, Any]:
        found: dict[str, Any] = rds.modify_db_instance(DBInstanceIdentifier=name, **changes)["DBInstance"]
        return found

    for name, changes, complaint in (
        ("small", {"AllocatedStorage": 40, "Iops": 3000}, "can't specify IOPS"),
        ("small", {"AllocatedStorage": 400}, "Invalid iops value"),
        ("small", {"AllocatedStorage": 400, "Iops": 12000}, "Invalid storage throughput value"),
        ("large", {"AllocatedStorage": 500}, "specify both the storage size and iops"),
    ):
        with pytest.raises(ClientError, match=complaint):
            modify(name, **changes)
    assert modify("small", AllocatedStorage=40)["Iops"] == 3000
    grown = modify("small", AllocatedStorage=400, Iops=12000, StorageThroughput=500)
    assert (grown["AllocatedStorage"], grown["Iops"], grown["StorageThroughput"]) == (400, 12000, 500)
    assert modify("large", AllocatedStorage=500, Iops=12000)["AllocatedStorage"] == 500


def test_a_role_of_enhanced_monitoring_has_to_exist_and_is_heard_of_late(rds: Any, client: Clients) -> None:
    create(rds, "watched")
    role = client("iam").create_role(RoleName="monitoring", AssumeRolePolicyDocument="{}")["Role"]["Arn"]

    def watch(arn: str) -> Any:
        return rds.modify_db_instance(DBInstanceIdentifier="watched", MonitoringInterval=60, MonitoringRoleArn=arn)

    for refused in (f"{role}-of-nobody", role):
        with pytest.raises(ClientError, match="required permissions for: ENHANCED_MONITORING"):
            watch(refused)
    assert watch(role)["DBInstance"]["MonitoringInterval"] == 60
    found = rds.modify_db_instance(DBInstanceIdentifier="watched", MonitoringInterval=30)["DBInstance"]
    assert (found["MonitoringInterval"], found["MonitoringRoleArn"]) == (30, role)


def test_performance_insights_are_on_or_off(rds: Any) -> None:
    assert create(rds, "seen", EnablePerformanceInsights=True)["PerformanceInsightsEnabled"]
    assert not create(rds, "unseen")["PerformanceInsightsEnabled"]
    for wanted in (True, False):
        rds.modify_db_instance(DBInstanceIdentifier="unseen", EnablePerformanceInsights=wanted)
        (found,) = rds.describe_db_instances(DBInstanceIdentifier="unseen")["DBInstances"]
        assert found["PerformanceInsightsEnabled"] is wanted


class TestParameterGroups:
    def parameters(self, rds: Any, **arguments: Any) -> dict[str, dict[str, Any]]:
        pages = rds.get_paginator("describe_db_parameters").paginate(DBParameterGroupName="data", **arguments)
        return {one["ParameterName"]: one for page in pages for one in page["Parameters"]}

    def test_an_unknown_group_is_an_error(self, rds: Any) -> None:
        with pytest.raises(ClientError, match="DBParameterGroupNotFound"):
            rds.describe_db_parameter_groups(DBParameterGroupName="nobody")
        with pytest.raises(ClientError, match="DBParameterGroupNotFound"):
            rds.describe_db_parameters(DBParameterGroupName="nobody")

    def test_a_fresh_group_lists_the_families_parameters(self, rds: Any) -> None:
        found = self.parameters(rds)
        assert found["rds.force_ssl"]["ParameterValue"] == "1"
        assert found["max_connections"]["ApplyType"] == "static"
        assert all(one["IsModifiable"] for one in found.values())
        assert "ParameterValue" not in found["lock_timeout"]

    def test_a_changed_parameter_is_the_users(self, rds: Any) -> None:
        change = {"ParameterName": "log_min_duration_statement", "ParameterValue": "500", "ApplyMethod": "immediate"}
        rds.modify_db_parameter_group(DBParameterGroupName="data", Parameters=[change])
        [changed] = self.parameters(rds, Source="user").values()
        assert (changed["ParameterName"], changed["ParameterValue"]) == ("log_min_duration_statement", "500")
        assert changed["DataType"] == "integer"

    @pytest.mark.parametrize(
        ("name", "value", "method", "complaint"),
        [
            ("rds.force_tls", "1", "immediate", "Could not find parameter"),
            ("rds.force_ssl", "yes", "immediate", "Invalid parameter value"),
            ("deadlock_timeout", "0", "immediate", "Invalid parameter value"),
            ("max_connections", "100", "immediate", "static parameter"),
        ],
    )
    def test_wrong_parameters(self, rds: Any, name: str, value: str, method: str, complaint: str) -> None:
        change = {"ParameterName": name, "ParameterValue": value, "ApplyMethod": method}
        with pytest.raises(ClientError, match=complaint):
            rds.modify_db_parameter_group(DBParameterGroupName="data", Parameters=[change])

    def test_a_static_parameter_waits_for_a_restart_of_the_instance(self, rds: Any) -> None:
        rds.create_db_parameter_group(DBParameterGroupName="own", DBParameterGroupFamily="postgres17", Description="d")
        create(rds, "restarted", DBParameterGroupName="own")

        def status() -> str:
            (found,) = rds.describe_db_instances(DBInstanceIdentifier="restarted")["DBInstances"]
            return str(found["DBParameterGroups"][0]["ParameterApplyStatus"])

        dynamic = {"ParameterName": "work_mem", "ParameterValue": "8192", "ApplyMethod": "immediate"}
        static = {"ParameterName": "max_connections", "ParameterValue": "99", "ApplyMethod": "pending-reboot"}
        rds.modify_db_parameter_group(DBParameterGroupName="own", Parameters=[dynamic])
        assert status() == "in-sync"
        rds.modify_db_parameter_group(DBParameterGroupName="own", Parameters=[static])
        assert status() == "pending-reboot"
        rds.reboot_db_instance(DBInstanceIdentifier="restarted")
        assert status() == "in-sync"
        reset = {"ParameterName": "max_connections", "ApplyMethod": "pending-reboot"}
        rds.reset_db_parameter_group(DBParameterGroupName="own", Parameters=[reset])
        assert status() == "pending-reboot"
        pages = rds.get_paginator("describe_db_parameters").paginate(DBParameterGroupName="own", Source="user")
        assert [one["ParameterName"] for page in pages for one in page["Parameters"]] == ["work_mem"]

    def test_groups_in_use_stay(self, rds: Any) -> None:
        create(rds, "user-of-groups", DBParameterGroupName="data")
        with pytest.raises(ClientError, match="InvalidDBParameterGroupState"):
            rds.delete_db_parameter_group(DBParameterGroupName="data")
        with pytest.raises(ClientError, match="InvalidDBSubnetGroupState"):
            rds.delete_db_subnet_group(DBSubnetGroupName="data")


def test_the_authority_of_an_instance_is_known_and_valid(rds: Any) -> None:
    name = create(rds, "signed")["CACertificateIdentifier"]
    [found] = rds.describe_certificates(CertificateIdentifier=name)["Certificates"]
    assert found["ValidFrom"] < datetime.now(UTC) + timedelta(days=365) < found["ValidTill"]
    assert len(rds.describe_certificates()["Certificates"]) == 3
    with pytest.raises(ClientError, match="CertificateNotFound"):
        rds.describe_certificates(CertificateIdentifier="rds-ca-2019")
