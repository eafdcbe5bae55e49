"""What an account holds, asked through the API alone: the witness that both tools have built the same.

Names that AWS chooses are left out, so that the same stack has the same census in every account.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from rehearsal.emulator.operator import ACCESS_KEY_ID, SECRET_ACCESS_KEY

from .tools import REGION

Client = Callable[[str], Any]
#: By kind, how many there are of each name.
Census = dict[str, Counter[str]]
EDGE = "us-east-1"


def _name(tags: Iterable[Mapping[str, str]] | None) -> str:
    return next((tag["Value"] for tag in tags or [] if tag["Key"] == "Name"), "(no name)")


def _all(client: Any, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
    if client.can_paginate(operation):
        for page in client.get_paginator(operation).paginate(**arguments):
            yield from page.get(key, [])
    else:
        yield from getattr(client, operation)(**arguments).get(key, [])


def _has(ask: Callable[[], Any]) -> bool:
    """Whether a setting is there: services answer with an error when it is not."""
    try:
        return bool(ask())
    except ClientError:
        return False


def network(client: Client) -> Iterator[tuple[str, str]]:
    ec2 = client("ec2")
    for kind, operation, key in (
        ("VPC", "describe_vpcs", "Vpcs"),
        ("subnet", "describe_subnets", "Subnets"),
        ("internet gateway", "describe_internet_gateways", "InternetGateways"),
        ("egress-only gateway", "describe_egress_only_internet_gateways", "EgressOnlyInternetGateways"),
        ("NAT gateway", "describe_nat_gateways", "NatGateways"),
        ("elastic address", "describe_addresses", "Addresses"),
        ("VPC endpoint", "describe_vpc_endpoints", "VpcEndpoints"),
        ("flow log", "describe_flow_logs", "FlowLogs"),
    ):
        for item in _all(ec2, operation, key):
            if item.get("State") not in ("deleted", "deleting"):
                yield kind, _name(item.get("Tags"))
    for table in _all(ec2, "describe_route_tables", "RouteTables"):
        yield "route table", _name(table.get("Tags"))
        for route in table["Routes"]:
            if route.get("Origin") != "CreateRouteTable" and "DestinationCidrBlock" in route:
                yield "route", f"{_name(table.get('Tags'))} {route['DestinationCidrBlock']}"
        for association in table["Associations"]:
            if not association.get("Main"):
                yield "route table association", _name(table.get("Tags"))
    groups = {group["GroupId"]: group for group in _all(ec2, "describe_security_groups", "SecurityGroups")}
    for group in groups.values():
        yield "security group", group["GroupName"]
    for rule in _all(ec2, "describe_security_group_rules", "SecurityGroupRules"):
        other = groups.get(rule.get("ReferencedGroupInfo", {}).get("GroupId", ""), {}).get("GroupName", "")
        peer = other or rule.get("CidrIpv4", "") or rule.get("CidrIpv6", "")
        way = "to" if rule["IsEgress"] else "from"
        named = groups.get(rule["GroupId"], {}).get("GroupName", "?")
        yield "security group rule", f"{named} {way} {peer} {rule.get('FromPort')}"


def storage(client: Client) -> Iterator[tuple[str, str]]:
    s3 = client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        name = bucket["Name"]
        yield "bucket", name
        for kind, ask in (
            ("bucket versioning", lambda b: s3.get_bucket_versioning(Bucket=b).get("Status") == "Enabled"),
            ("bucket encryption", lambda b: s3.get_bucket_encryption(Bucket=b)),
            ("bucket lifecycle", lambda b: s3.get_bucket_lifecycle_configuration(Bucket=b)),
            ("bucket policy", lambda b: s3.get_bucket_policy(Bucket=b)),
            ("bucket public access block", lambda b: s3.get_public_access_block(Bucket=b)),
            ("bucket ownership", lambda b: s3.get_bucket_ownership_controls(Bucket=b)),
        ):
            if _has(lambda ask=ask, name=name: ask(name)):  # type: ignore[misc]
                yield kind, name


def identity(client: Client) -> Iterator[tuple[str, str]]:
    iam = client("iam")
    for role in _all(iam, "list_roles", "Roles"):
        yield "IAM role", role["RoleName"]
        for policy in _all(iam, "list_role_policies", "PolicyNames", RoleName=role["RoleName"]):
            yield "IAM inline policy", f"{role['RoleName']} {policy}"
        for policy in _all(iam, "list_attached_role_policies", "AttachedPolicies", RoleName=role["RoleName"]):
            yield "IAM policy attachment", f"{role['RoleName']} {policy['PolicyName']}"
    for profile in _all(iam, "list_instance_profiles", "InstanceProfiles"):
        yield "instance profile", profile["InstanceProfileName"]


def everywhere(client: Client) -> Iterator[tuple[str, str]]:
    """What lies in both regions."""
    kms = client("kms")
    for key in _all(kms, "list_keys", "Keys"):
        described = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        if described["KeyManager"] == "CUSTOMER" and described["KeyState"] == "Enabled":
            yield "KMS key", described["Description"]
    for alias in _all(kms, "list_aliases", "Aliases"):
        if not alias["AliasName"].startswith("alias/aws/"):
            yield "KMS alias", alias["AliasName"]
    for certificate in _all(client("acm"), "list_certificates", "CertificateSummaryList"):
        yield "certificate", certificate["DomainName"]
    for topic in _all(client("sns"), "list_topics", "Topics"):
        yield "topic", topic["TopicArn"]
    logs = client("logs")
    for group in _all(logs, "describe_log_groups", "logGroups"):
        yield "log group", group["logGroupName"]
        for metric in _all(logs, "describe_metric_filters", "metricFilters", logGroupName=group["logGroupName"]):
            yield "metric filter", f"{group['logGroupName']} {metric['filterName']}"
    watch = client("cloudwatch")
    for kind, key in (("alarm", "MetricAlarms"), ("composite alarm", "CompositeAlarms")):
        for alarm in _all(watch, "describe_alarms", key, AlarmTypes=[key.removesuffix("s")]):
            yield kind, alarm["AlarmName"]
    for dashboard in _all(watch, "list_dashboards", "DashboardEntries"):
        yield "dashboard", dashboard["DashboardName"]


def _firewall(client: Any, scope: str) -> Iterator[tuple[str, str]]:
    for acl in client.list_web_acls(Scope=scope)["WebACLs"]:
        yield "web ACL", f"{scope} {acl['Name']}"
        if _has(lambda acl=acl: client.get_logging_configuration(ResourceArn=acl["ARN"])):  # type: ignore[misc]
            yield "web ACL logging", f"{scope} {acl['Name']}"
        if scope == "REGIONAL":
            for _ in client.list_resources_for_web_acl(WebACLArn=acl["ARN"])["ResourceArns"]:
                yield "web ACL association", acl["Name"]


def regional(client: Client) -> Iterator[tuple[str, str]]:
    for secret in _all(client("secretsmanager"), "list_secrets", "SecretList"):
        yield "secret", secret["Name"]
    for parameter in _all(client("ssm"), "describe_parameters", "Parameters"):
        yield "parameter", parameter["Name"]
    rds = client("rds")
    for instance in _all(rds, "describe_db_instances", "DBInstances"):
        yield "database", instance["DBInstanceIdentifier"]
    for group in _all(rds, "describe_db_subnet_groups", "DBSubnetGroups"):
        yield "database subnet group", group["DBSubnetGroupName"]
    for group in _all(rds, "describe_db_parameter_groups", "DBParameterGroups"):
        if not group["DBParameterGroupName"].startswith("default."):
            yield "database parameter group", group["DBParameterGroupName"]
    cache = client("elasticache")
    for group in _all(cache, "describe_replication_groups", "ReplicationGroups"):
        yield "cache", group["ReplicationGroupId"]
    for group in _all(cache, "describe_cache_subnet_groups", "CacheSubnetGroups"):
        yield "cache subnet group", group["CacheSubnetGroupName"]
    for group in _all(cache, "describe_cache_parameter_groups", "CacheParameterGroups"):
        if not group["CacheParameterGroupName"].startswith("default."):
            yield "cache parameter group", group["CacheParameterGroupName"]
    balancers = client("elbv2")
    for balancer in _all(balancers, "describe_load_balancers", "LoadBalancers"):
        yield "load balancer", balancer["LoadBalancerName"]
        arn = balancer["LoadBalancerArn"]
        for listener in _all(balancers, "describe_listeners", "Listeners", LoadBalancerArn=arn):
            yield "listener", f"{balancer['LoadBalancerName']} {listener['Port']}"
    for group in _all(balancers, "describe_target_groups", "TargetGroups"):
        yield "target group", group["TargetGroupName"]
    queues = client("sqs")
    for url in _all(queues, "list_queues", "QueueUrls"):
        name = url.rsplit("/", 1)[-1]
        yield "queue", name
        found = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        for setting in ("Policy", "RedrivePolicy", "RedriveAllowPolicy"):
            if found.get(setting):
                yield "queue setting", f"{name} {setting}"
    traces = client("xray")
    for group in _all(traces, "get_groups", "Groups"):
        yield "trace group", group["GroupName"]
    for record in _all(traces, "get_sampling_rules", "SamplingRuleRecords"):
        if record["SamplingRule"]["RuleName"] != "Default":
            yield "sampling rule", record["SamplingRule"]["RuleName"]
    backup = client("backup")
    for vault in _all(backup, "list_backup_vaults", "BackupVaultList"):
        yield "backup vault", vault["BackupVaultName"]
    for plan in _all(backup, "list_backup_plans", "BackupPlansList"):
        yield "backup plan", plan["BackupPlanName"]
        chosen = _all(backup, "list_backup_selections", "BackupSelectionsList", BackupPlanId=plan["BackupPlanId"])
        for selection in chosen:
            yield "backup selection", selection["SelectionName"]
    yield from _firewall(client("wafv2"), "REGIONAL")


def edge(client: Client) -> Iterator[tuple[str, str]]:
    zones = client("route53")
    for zone in _all(zones, "list_hosted_zones", "HostedZones"):
        yield "zone", zone["Name"]
        for record in _all(zones, "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone["Id"]):
            if record["Type"] not in ("NS", "SOA"):
                # The token of a validation is AWS's choice.
                yield "record", f"{record['Type']} {record['Name'] if record['Type'] != 'CNAME' else zone['Name']}"
    for check in _all(zones, "list_health_checks", "HealthChecks"):
        tagged = zones.list_tags_for_resource(ResourceType="healthcheck", ResourceId=check["Id"])
        yield "health check", _name(tagged["ResourceTagSet"]["Tags"])
    for delivery in _all(client("logs"), "describe_deliveries", "deliveries"):
        yield "log delivery", delivery["deliverySourceName"]
    cdn = client("cloudfront")
    for distribution in cdn.list_distributions()["DistributionList"].get("Items", []):
        yield "distribution", distribution["Comment"]
    for control in cdn.list_origin_access_controls()["OriginAccessControlList"].get("Items", []):
        yield "origin access control", control["Name"]
    for function in cdn.list_functions(Stage="LIVE")["FunctionList"].get("Items", []):
        yield "CloudFront function", function["Name"]
    policies = cdn.list_response_headers_policies(Type="custom")["ResponseHeadersPolicyList"]
    for policy in policies.get("Items", []):
        yield "response headers policy", policy["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]["Name"]
    for budget in client("budgets").describe_budgets(AccountId="123456789012").get("Budgets", []):
        yield "budget", budget["BudgetName"]
    yield from _firewall(client("wafv2"), "CLOUDFRONT")


def take(endpoint: str) -> Census:
    """Ask the account for everything that the stack may hold."""

    def clients(region: str) -> Client:
        def make(service: str) -> Any:
            untyped: Any = boto3
            return untyped.session.Session().client(
                service,
                region_name=region,
                endpoint_url=endpoint,
                aws_access_key_id=ACCESS_KEY_ID,
                aws_secret_access_key=SECRET_ACCESS_KEY,
                config=Config(s3={"addressing_style": "path"}),
            )

        return make

    parts = [(part, REGION) for part in (network, storage, identity, everywhere, regional)]
    parts += [(part, EDGE) for part in (everywhere, edge)]
    found: Census = {}
    with ThreadPoolExecutor() as pool:
        for listed in pool.map(lambda part: list(part[0](clients(part[1]))), parts):
            for kind, name in listed:
                found.setdefault(kind, Counter())[name] += 1
    return found


def differences(first: Census, second: Census) -> list[tuple[str, str, int]]:
    """Kind, name, and how many more the second has (negative: fewer)."""
    found = []
    for kind in sorted(first.keys() | second.keys()):
        one, other = first.get(kind, Counter()), second.get(kind, Counter())
        found += [(kind, name, other[name] - one[name]) for name in sorted(one | other) if one[name] != other[name]]
    return found
