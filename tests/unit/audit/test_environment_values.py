"""What the environments choose of what AWS has (versions, classes, policies), and whether a wrong choice is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from audit import cloudformation, service_model
from audit.account import ENVIRONMENTS
from audit.recording import Call
from tests.unit.audit.test_constraints import CACHE, DATABASE, call

ROOT = Path(__file__).parents[3]


def chosen(environment: str, name: str) -> Any:
    """A literal value as Ansible finds it: the environment's, else the project's, else the role's."""
    role = next(
        directory.name for directory in sorted((ROOT / "roles").iterdir()) if name.startswith(f"{directory.name}_")
    )
    for path in (
        ROOT / f"inventories/{environment}/group_vars/all/{role}.yml",
        ROOT / f"group_vars/all/{role}.yml",
        ROOT / f"roles/{role}/defaults/main.yml",
    ):
        if path.exists() and name in (values := yaml.safe_load(path.read_text()) or {}):
            assert "{{" not in str(values[name])
            return values[name]
    raise KeyError(name)


def distribution(**differing: Any) -> Call:
    config = {
        "CallerReference": "a",
        "Comment": "a page",
        "Enabled": True,
        "IsIPV6Enabled": True,
        "Origins": {"Quantity": 1, "Items": [{"Id": "a", "DomainName": "origin.example.com"}]},
        "DefaultCacheBehavior": {"TargetOriginId": "a", "ViewerProtocolPolicy": "redirect-to-https"},
        **differing,
    }
    return call(
        "cloudfront:CreateDistributionWithTags",
        DistributionConfigWithTags={"DistributionConfig": config, "Tags": {"Items": []}},
    )


def launch_template(instance_type: str) -> Call:
    return call(
        "ec2:CreateLaunchTemplate", LaunchTemplateName="web", LaunchTemplateData={"InstanceType": instance_type}
    )


def instance(instance_type: str) -> Call:
    return call("ec2:RunInstances", InstanceType=instance_type, ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1)


def certificate(protocol: str) -> Call:
    arn = "arn:aws:acm:us-east-1:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef"
    return distribution(
        ViewerCertificate={
            "ACMCertificateArn": arn,
            "SSLSupportMethod": "sni-only",
            "MinimumProtocolVersion": protocol,
        }
    )


Ask = Callable[[Any], Call]

#: Variable -> the request that carries it, and what AWS has not.
CHOICES: dict[str, tuple[Ask, Any]] = {
    "aws_database_major_version": (
        lambda value: call(
            "rds:CreateDBInstance", **DATABASE | {"EngineVersion": str(value), "DBInstanceIdentifier": "version"}
        ),
        "9.9",
    ),
    "aws_database_instance_class": (
        lambda value: call(
            "rds:CreateDBInstance", **DATABASE | {"DBInstanceClass": value, "DBInstanceIdentifier": "class"}
        ),
        "db.m7g.enormous",
    ),
    "aws_database_backup_days": (
        lambda value: call(
            "rds:CreateDBInstance", **DATABASE | {"BackupRetentionPeriod": value, "DBInstanceIdentifier": "backup"}
        ),
        36,
    ),
    "aws_cache_node_type": (
        lambda value: call(
            "elasticache:CreateReplicationGroup", **CACHE | {"CacheNodeType": value, "ReplicationGroupId": "type"}
        ),
        "cache.m7g.enormous",
    ),
    "aws_cache_engine_version": (
        lambda value: call(
            "elasticache:CreateReplicationGroup",
            **CACHE | {"EngineVersion": str(value), "ReplicationGroupId": "version"},
        ),
        "6.9",
    ),
    "aws_compute_instance_type": (launch_template, "t3.enormous"),
    "aws_image_builder_instance_type": (instance, "t3.enormous"),
    "aws_edge_price_class": (lambda value: distribution(PriceClass=value), "PriceClass_300"),
    "aws_edge_minimum_protocol": (certificate, "TLSv1.2_2020"),
    "aws_logs_application_days": (
        lambda value: call("logs:PutRetentionPolicy", logGroupName="/a", retentionInDays=value),
        91,
    ),
}


def objections(requests: list[Call]) -> list[str]:
    """What the schemas and the model say."""
    found = [
        str(one) for region in {call.region for call in requests} for one in cloudformation.findings(requests, region)
    ]
    return found + [said for call in requests for said in service_model.violations(call)]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_aws_has_what_the_environment_chooses(environment: str) -> None:
    assert objections([ask(chosen(environment, name)) for name, (ask, _) in CHOICES.items()]) == []


def test_every_wrong_choice_is_found() -> None:
    found = objections([ask(wrong) for ask, wrong in CHOICES.values()])
    assert [name for name, (_, wrong) in CHOICES.items() if not any(str(wrong) in said for said in found)] == []
