"""Where the resources of a stack are looked for: the calls, and which of their answers are the stack's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.slipway.aws.plugins.module_utils.acm_api import AcmApi
from ansible_collections.slipway.aws.plugins.module_utils.acm_certificate import ALL_KEY_ALGORITHMS, proven_domains
from ansible_collections.slipway.aws.plugins.module_utils.aws import Api
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Fields

HOME, BOTH, GLOBAL = "home", "both", "global"
#: None of the stack's: a certificate that renews itself by the record of a domain (its ``name``) of the stack's.
OTHERS_CERTIFICATE = "certificate of others"


@dataclass(frozen=True)
class Stack:
    """What identifies a stack. ``others``: names of other stacks of the project in the account."""

    name: str
    others: frozenset[str]
    tags: Mapping[str, str]
    account_id: str
    domains: tuple[str, ...]
    zone: str
    zone_is_ours: bool
    parameter_prefix: str

    def owns(self, name: str, *, separators: str = "-/") -> bool:
        """Whether a name begins with the stack's, and not with the longer one of another stack."""
        return self._begins(name, self.name, separators) and not any(
            self._begins(name, other, separators) for other in self.others if len(other) > len(self.name)
        )

    @staticmethod
    def _begins(name: str, stack: str, separators: str) -> bool:
        return name == stack or (name.startswith(stack) and name[len(stack)] in separators)

    @property
    def filters(self) -> list[Fields]:
        """EC2's filters for the tags."""
        return [{"Name": f"tag:{key}", "Values": [value]} for key, value in self.tags.items()]


Look = Callable[[Stack, Api, str], Iterator[Fields]]


@dataclass(frozen=True)
class Listing:
    """One service. ``arns``: ``service:type`` of the ARNs for which it speaks with authority."""

    service: str
    where: str
    arns: tuple[str, ...]
    look: Look

    def regions(self, both: Sequence[str]) -> Sequence[str]:
        """In which of (home, us-east-1) to ask."""
        return {HOME: both[:1], BOTH: both, GLOBAL: ["us-east-1"]}[self.where]

    @staticmethod
    def found(
        kind: str,
        name: str,
        identity: str,
        region: str,
        *,
        key: str = "",
        protected: str = "",
        leaving: str = "",
        host: str = "",
        target: str = "",
    ) -> Fields:
        """One resource.

        ``leaving``: AWS deletes it by itself; says when. ``host``: under which name it answers, for records to point
        at. ``target``: at which such name a record points.
        """
        return {
            "kind": kind,
            "name": name,
            "id": identity,
            "region": region,
            "key": key,
            "protected": protected,
            "leaving": leaving,
            "host": host_name(host),
            "target": host_name(target),
        }


def host_name(written: str) -> str:
    """A DNS name as one compares it: without Route 53's final dot, and the ``dualstack`` of its console."""
    return written.lower().removesuffix(".").removeprefix("dualstack.")


_ALL: list[Listing] = []
found = Listing.found


def listings() -> Sequence[Listing]:
    """All of them."""
    return _ALL


def listing(service: str, where: str, *arns: str) -> Callable[[Look], Look]:
    """Register a function."""

    def register(look: Look) -> Look:
        _ALL.append(Listing(service, where, arns, look))
        return look

    return register


def _name(tags: Sequence[Mapping[str, str]] | None, other: str) -> str:
    return next((tag["Value"] for tag in tags or [] if tag["Key"] == "Name"), other)


_EC2 = (
    *("instance", "volume", "image", "snapshot", "launch-template", "elastic-ip", "vpc", "subnet", "route-table"),
    *("security-group", "security-group-rule", "internet-gateway", "natgateway", "network-interface"),
    *("vpc-endpoint", "vpc-flow-log", "egress-only-internet-gateway"),
)


@listing("ec2", HOME, *(f"ec2:{kind}" for kind in _EC2))
def instances(stack: Stack, api: Api, region: str) -> Iterator[Fields]:
    """Instances, and what they leave behind."""
    alive = {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}
    for reservation in api.pages(
        "list instances", "describe_instances", "Reservations", Filters=[*stack.filters, alive]
    ):
        for one in reservation["Instances"]:
            yield found("instance", one["InstanceId"], one["InstanceId"], region)
    for one in api.pages("list volumes", "describe_volumes", "Volumes", Filters=stack.filters):
        if one["State"] not in ("deleting", "deleted"):
            yield found("volume", one["VolumeId"], one["VolumeId"], region)
    images = api.pages("list images", "describe_images", "Images", Owners=["self"], Filters=stack.filters)
    for one in images:
        yield found("machine image", one["Name"], one["ImageId"], region)
    for one in api.pages("list snapshots", "describe_snapshots", "Snapshots", OwnerIds=["self"], Filters=stack.filters):
        yield found("volume snapshot", one["SnapshotId"], one["SnapshotId"], region)
    for one in api.pages(
        "list launch templates", "describe_launch_templates", "LaunchTemplates", Filters=stack.filters
    ):
        yield found("launch template", one["LaunchTemplateName"], one["LaunchTemplateId"], region)


@listing("ec2", HOME)
def network(stack: Stack, api: Api, region: str) -> Iterator[Fields]:
    """The VPC, and whatever is in it, tagged or not."""
    for one in api.call("list addresses", "describe_addresses", Filters=stack.filters)["Addresses"]:
        yield found("elastic address", _name(one.get("Tags"), one["PublicIp"]), one["AllocationId"], region)
    vpcs = api.pages("list networks", "describe_vpcs", "Vpcs", Filters=stack.filters)
    for vpc in vpcs:
        vpc_id = vpc["VpcId"]
        yield found("network", _name(vpc.get("Tags"), vpc_id), vpc_id, region)
        yield from _inside(api, vpc_id, region)
    ids = {vpc["VpcId"] for vpc in vpcs}
    # A network that is gone has none; one that lost its tags has some that nobody would find.
    for kind, operation, items, key in _PARTS:
        for one in api.pages(f"list each {kind}", operation, items, Filters=stack.filters):
            if (
                one.get("VpcId") not in ids
                and _attached(one) not in ids
                and one.get("State") not in ("deleted", "deleting")
            ):
                yield found(kind, _name(one.get("Tags"), one[key]), one[key], region)


_PARTS = (
    ("subnet", "describe_subnets", "Subnets", "SubnetId"),
    ("route table", "describe_route_tables", "RouteTables", "RouteTableId"),
    ("security group", "describe_security_groups", "SecurityGroups", "GroupId"),
    ("internet gateway", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    (
        "egress-only gateway",
        "describe_egress_only_internet_gateways",
        "EgressOnlyInternetGateways",
        "EgressOnlyInternetGatewayId",
    ),
    ("network endpoint", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    ("flow log", "describe_flow_logs", "FlowLogs", "FlowLogId"),
)


def _attached(one: Mapping[str, Any]) -> str:
    attachments = one.get("Attachments") or [{}]
    return str(attachments[0].get("VpcId") or one.get("ResourceId") or "")


def _inside(api: Api, vpc_id: str, region: str) -> Iterator[Fields]:
    inside = [{"Name": "vpc-id", "Values": [vpc_id]}]
    for one in api.pages("list subnets", "describe_subnets", "Subnets", Filters=inside):
        yield found("subnet", _name(one.get("Tags"), one["SubnetId"]), one["SubnetId"], region)
    for one in api.pages("list route tables", "describe_route_tables", "RouteTables", Filters=inside):
        if not any(association.get("Main") for association in one.get("Associations", [])):
            yield found("route table", _name(one.get("Tags"), one["RouteTableId"]), one["RouteTableId"], region)
    for one in api.pages("list security groups", "describe_security_groups", "SecurityGroups", Filters=inside):
        if one["GroupName"] != "default":
            yield found("security group", one["GroupName"], one["GroupId"], region)
    attached = [{"Name": "attachment.vpc-id", "Values": [vpc_id]}]
    for one in api.pages("list gateways", "describe_internet_gateways", "InternetGateways", Filters=attached):
        yield found(
            "internet gateway", _name(one.get("Tags"), one["InternetGatewayId"]), one["InternetGatewayId"], region
        )
    for one in api.pages(
        "list egress-only gateways", "describe_egress_only_internet_gateways", "EgressOnlyInternetGateways"
    ):
        if _attached(one) == vpc_id:
            number = one["EgressOnlyInternetGatewayId"]
            yield found("egress-only gateway", _name(one.get("Tags"), number), number, region)
    for one in api.pages("list NAT gateways", "describe_nat_gateways", "NatGateways", Filter=inside):
        if one["State"] not in ("deleted", "deleting"):
            yield found("NAT gateway", _name(one.get("Tags"), one["NatGatewayId"]), one["NatGatewayId"], region)
    for one in api.pages("list endpoints", "describe_vpc_endpoints", "VpcEndpoints", Filters=inside):
        if one["State"].lower() not in ("deleted", "deleting"):
            yield found("network endpoint", _name(one.get("Tags"), one["VpcEndpointId"]), one["VpcEndpointId"], region)
    flows = [{"Name": "resource-id", "Values": [vpc_id]}]
    for one in api.pages("list flow logs", "describe_flow_logs", "FlowLogs", Filters=flows):
        yield found("flow log", _name(one.get("Tags"), one["FlowLogId"]), one["FlowLogId"], region)
    for one in api.pages("list interfaces", "describe_network_interfaces", "NetworkInterfaces", Filters=inside):
        yield found(
            "network interface", one.get("Description") or one["NetworkInterfaceId"], one["NetworkInterfaceId"], region
        )


@listing("autoscaling", HOME, "autoscaling:*")
def groups(stack: Stack, api: Api, region: str) -> Iterator[Fields]:
    """Auto Scaling groups."""
    for one in api.pages("list groups", "describe_auto_scaling_groups", "AutoScalingGroups"):
        if stack.owns(one["AutoScalingGroupName"]):
            yield found("Auto Scaling group", one["AutoScalingGroupName"], one["AutoScalingGroupARN"], region)


@listing("elbv2", HOME, "elasticloadbalancing:*")
def balancers(stack: Stack, api: Api, region: str) -> Iterator[Fields]:
    """Load balancers and target groups."""
    for one in api.pages("list load balancers", "describe_load_balancers", "LoadBalancers"):
        if stack.owns(one["LoadBalancerName"]):
            yield found(
                "load balancer", one["LoadBalancerName"], one["LoadBalancerArn"], region, host=one.get("DNSName", "")
            )
    for one in api.pages("list target groups", "describe_target_groups", "TargetGroups"):
        if stack.owns(one["TargetGroupName"]):
            yield found("target group", one["TargetGroupName"], one["TargetGroupArn"], region)


@listing("rds", HOME, "rds:*")
def databases(stack: Stack, api: Api, region: str) -> Iterator[Fields]:
    """Instances, snapshots and groups of RDS."""
    for one in api.pages("list databases", "describe_db_instances", "DBInstances"):
        if stack.owns(one["DBInstanceIdentifier"]):
            protected = "deletion protection" if one.get("DeletionProtection") else ""
            yield found("database", one["DBInstanceIdentifier"], one["DBInstanceArn"], region, protected=protected)
    for one in api.pages("list snapshots", "describe_db_snapshots", "DBSnapshots"):
        if stack.owns(one["DBInstanceIdentifier"]) and one.get("SnapshotType") != "awsbackup":
            yield found(
                "database snapshot" if one.get("SnapshotType") == "manual" else "automated database snapshot",
                one["DBSnapshotIdentifier"],
                one["DBSnapshotArn"],
                region,
                key=one.get("KmsKeyId") or "",
            )
    for one in api.pages("list subnet groups", "describe_db_subnet_groups", "DBSubnetGroups"):
        if stack.owns(one["DBSubnetGroupName"]):
            yield found("database subnet group", one["DBSubnetGroupName"], one["DBSubnetGroupArn"], region)
    for one in api.pages("list parameter groups", "describe_db_parameter_groups", "DBParameterGroups"):
        if stack.owns(one["DBParameterGroupName"]):
            yield found("database parameter group", one["DBParameterGroupName"], one["DBParameterGroupArn"], region)
    for one in api.pages("list event subscriptions", "describe_event_subscriptions", "EventSubscriptionsList"):
        name = one["CustSubscriptionId"]
        if stack.owns(name) and one["Status"] != "deleting":
            yield found("event subscription", name, one["EventSubscriptionArn"], region)


@listing("elasticache", HOME, "elasticache:*")
def caches(stack: Stack, api: Api, region: str) -> Iterator[Fields]:
    """Replication groups, snapshots and groups of ElastiCache."""
    for one in api.pages("list caches", "describe_replication_groups", "ReplicationGroups"):
        if stack.owns(one["ReplicationGroupId"]):
            yield found("cache", one["ReplicationGroupId"], one["ARN"], region)
    for one in api.pages("list subnet groups", "describe_cache_subnet_groups", "CacheSubnetGroups"):
        if stack.owns(one["CacheSubnetGroupName"]):
            yield found("cache subnet group", one["CacheSubnetGroupName"], one["ARN"], region)
    for one in api.pages("list parameter groups", "describe_cache_parameter_groups", "CacheParameterGroups"):
        if stack.owns(one["CacheParameterGroupName"]):
            name = one["CacheParameterGroupName"]
            yield found("cache parameter group", name, one["ARN"], region)


@listing("s3", HOME, "s3:*")
def buckets(stack: Stack, api: Api, region: str) -> Iterator[Fields]:
    """Buckets; their names hold the account, so that no other stack's begin with them."""
    for one in api.pages("list buckets", "list_buckets", "Buckets"):
        if one["Name"].startswith(f"{stack.name}-{stack.account_id}-"):
            yield found("S3 bucket", one["Name"], f"arn:aws:s3:::{one['Name']}", region)


@listing("iam", GLOBAL, "iam:*")
def roles(stack: Stack, api: Api, _region: str) -> Iterator[Fields]:
    """Roles, instance profiles and policies."""
    for one in api.pages("list roles", "list_roles", "Roles"):
        if stack.owns(one["RoleName"]):
            yield found("role", one["RoleName"], one["Arn"], "")
    for one in api.pages("list instance profiles", "list_instance_profiles", "InstanceProfiles"):
        if stack.owns(one["InstanceProfileName"]):
            yield found("instance profile", one["InstanceProfileName"], one["Arn"], "")
    for one in api.pages("list policies", "list_policies", "Policies", Scope="Local"):
        if stack.owns(one["PolicyName"]):
            yield found("policy", one["PolicyName"], one["Arn"], "")


@listing("secretsmanager", HOME, "secretsmanager:*")
def secrets(stack: Stack, api: Api, region: str) -> Iterator[Fields]:
    """Secrets, those that wait for their deletion included.

    The list is up to five minutes old; what it takes for alive is asked for by its name.
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html
    """
    gone = {"ResourceNotFoundException"}
    for one in api.pages("list secrets", "list_secrets", "SecretList", IncludePlannedDeletion=True):
        if not stack.owns(one["Name"]):
            continue
        live: Fields | None = one
        if not one.get("DeletedDate"):
            live = api.call_if_exists(
                f"look at the secret {one['Name']}", "describe_secret", missing=gone, SecretId=one["ARN"]
            )
        if live is not None:
            leaving = "waits for its deletion; a converge restores it" if live.get("DeletedDate") else ""
            yield found("secret", one["Name"], one["ARN"], region, leaving=leaving)


@listing("ssm", HOME, "ssm:*")
def parameters(stack: Stack, api: Api, region: str) -> Iterator[Fields]:
    """Parameters below the prefix."""
    path = stack.parameter_prefix
    for one in api.pages("list parameters", "get_parameters_by_path", "Parameters", Path=path, Recursive=True):
        yield found("parameter", one["Name"], one["ARN"], region)


@listing("acm", BOTH, "acm:*")
def certificates(stack: Stack, api: Api, region: str) -> Iterator[Fields]:
    """Certificates of the domains that carry the stack's tags, and those of others that share a proof with them."""
    acm = AcmApi(api.client)
    for one in acm.certificates(ALL_KEY_ALGORITHMS):
        arn, domain = one["CertificateArn"], one["DomainName"]
        shared = [name for name in proven_domains(one) if name in stack.domains]
        if domain not in stack.domains and not shared:
            continue
        if not stack.tags.items() <= acm.tags(arn).items():
            yield from (found(OTHERS_CERTIFICATE, name, arn, region) for name in shared)
        elif domain in stack.domains:
            yield found("certificate", domain, arn, region)


@listing("route53", GLOBAL, "route53:*")
def records(stack: Stack, api: Api, _region: str) -> Iterator[Fields]:
    """The zone, when it is the stack's, and the records of its domains, wherever they point."""
    zones = api.pages("list zones", "list_hosted_zones", "HostedZones")
    for zone in zones:
        if zone["Name"].rstrip(".") != stack.zone or zone["Config"].get("PrivateZone"):
            continue
        if stack.zone_is_ours:
            yield found("zone", stack.zone, zone["Id"].rsplit("/", 1)[-1], "")
        for one in api.pages(
            "list records", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone["Id"]
        ):
            if is_record_of(stack.domains, one):
                named = f"{one['Name'].rstrip('.')} {one['Type']}"
                yield found("record", named, f"{one['Name']} {one['Type']}", "", target=target_of(one))


def target_of(record: Mapping[str, Any]) -> str:
    """Where the name of a site leads; empty for the proof that it is ours, which leads nowhere."""
    if record["Type"] not in ("A", "AAAA"):
        return ""
    alias = record.get("AliasTarget", {}).get("DNSName")
    return alias or ", ".join(one["Value"] for one in record.get("ResourceRecords", [])) or "nothing that is known"


def is_record_of(domains: Sequence[str], record: Mapping[str, Any]) -> bool:
    """Whether a record is one of the domains', or proves to ACM that they are ours."""
    name = record["Name"].rstrip(".").lower()
    if record["Type"] in ("A", "AAAA"):
        return name in domains
    return record["Type"] == "CNAME" and proven_by(name) in domains


def proven_by(name: str) -> str:
    """The domain that a name proves to ACM to be ours; empty when it is no such name.

    https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
    """
    proof = re.fullmatch(r"_[0-9a-z]+\.(.+)", name)
    return proof[1] if proof else ""


@listing("cloudfront", GLOBAL, "cloudfront:*")
def distributions(stack: Stack, api: Api, _region: str) -> Iterator[Fields]:
    """Distributions, and what they refer to."""
    for one in api.pages("list distributions", "list_distributions", "DistributionList.Items"):
        aliases = one.get("Aliases", {}).get("Items", [])
        if stack.owns(one.get("Comment", "").split(":")[0]) or set(aliases) & set(stack.domains):
            yield found("distribution", one["Id"], one["ARN"], "", host=one["DomainName"])
    for one in api.pages("list access controls", "list_origin_access_controls", "OriginAccessControlList.Items"):
        if stack.owns(one["Name"]):
            yield found("origin access control", one["Name"], one["Id"], "")
    for one in api.pages("list functions", "list_functions", "FunctionList.Items"):
        if stack.owns(one["Name"]):
            yield found("edge function", one["Name"], one["FunctionMetadata"]["FunctionARN"], "")
    for one in api.pages(
        "list header policies", "list_response_headers_policies", "ResponseHeadersPolicyList.Items", Type="custom"
    ):
        policy = one["ResponseHeadersPolicy"]
        if stack.owns(policy["ResponseHeadersPolicyConfig"]["Name"]):
            yield found("response headers policy", policy["ResponseHeadersPolicyConfig"]["Name"], policy["Id"], "")


@listing("logs", BOTH, "logs:*")
def log_groups(stack: Stack, api: Api, region: str) -> Iterator[Fields]:
    """Log groups: the stack's, RDS's and the firewall's."""
    for prefix in (f"/{stack.name}", f"/aws/rds/instance/{stack.name}", f"aws-waf-logs-{stack.name}"):
        for one in api.pages("list log groups", "describe_log_groups", "logGroups", logGroupNamePrefix=prefix):
            name = one["logGroupName"]
            if stack.owns(re.sub(r"^(/aws/rds/instance/|aws-waf-logs-|/)", "", name)):
                arn = one.get("logGroupArn") or one["arn"].removesuffix(":*")
                yield found("log group", name, arn, region, key=one.get("kmsKeyId") or "")


@listing("cloudwatch", BOTH, "cloudwatch:*")
def alarms(stack: Stack, api: Api, region: str) -> Iterator[Fields]:
    """Alarms, those of target tracking included, and dashboards."""
    for kind in ("MetricAlarm", "CompositeAlarm"):
        for one in api.pages("list alarms", "describe_alarms", f"{kind}s", AlarmTypes=[kind]):
            if stack.owns(one["AlarmName"].removeprefix("TargetTracking-")):
                yield found("alarm", one["AlarmName"], one["AlarmArn"], region)
    for one in api.pages("list dashboards", "list_dashboards", "DashboardEntries", DashboardNamePrefix=stack.name):
        if stack.owns(one["DashboardName"]):
            yield found("dashboard", one["DashboardName"], one["DashboardArn"], "")


@listing("xray", HOME, "xray:*")
def traces(stack: Stack, api: Api, region: str) -> Iterator[Fields]:
    """Groups and sampling rules."""
    for one in api.pages("list trace groups", "get_groups", "Groups"):
        if stack.owns(one["GroupName"]):
            yield found("trace group", one["GroupName"], one["GroupARN"], region)
    for one in api.pages("list sampling rules", "get_sampling_rules", "SamplingRuleRecords"):
        rule = one["SamplingRule"]
        if stack.owns(rule["RuleName"]):
            yield found("sampling rule", rule["RuleName"], rule["RuleARN"], region)


@listing("sns", BOTH, "sns:*")
def topics(stack: Stack, api: Api, region: str) -> Iterator[Fields]:
    """Topics."""
    for one in api.pages("list topics", "list_topics", "Topics"):
        name = one["TopicArn"].rsplit(":", 1)[-1]
        if stack.owns(name):
            yield found("topic", name, one["TopicArn"], region)


@listing("sqs", HOME, "sqs:*")
def queues(stack: Stack, api: Api, region: str) -> Iterator[Fields]:
    """Queues. The list goes on to name one that was deleted, as do those of tags, so that each is asked for itself.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteQueue.html
    """
    gone = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
    for url in api.pages("list queues", "list_queues", "QueueUrls", QueueNamePrefix=stack.name):
        name = str(url).rsplit("/", 1)[-1]
        if not stack.owns(name):
            continue
        live = api.call_if_exists(
            f"look at the queue {name}", "get_queue_attributes", missing=gone, QueueUrl=url, AttributeNames=["QueueArn"]
        )
        if live:
            yield found("queue", name, live["Attributes"]["QueueArn"], region)


@listing("wafv2", BOTH, "wafv2:*")
def acls(stack: Stack, api: Api, region: str) -> Iterator[Fields]:
    """Web ACLs."""
    for scope in ("REGIONAL", "CLOUDFRONT") if region == "us-east-1" else ("REGIONAL",):
        answer = api.call("list web ACLs", "list_web_acls", Scope=scope, Limit=100)
        for one in answer.get("WebACLs", []):
            if stack.owns(one["Name"]):
                yield found("web ACL", one["Name"], one["ARN"], region)


@listing("backup", HOME, "backup:*")
def backups(stack: Stack, api: Api, region: str) -> Iterator[Fields]:
    """Plans, vaults and what lies in them."""
    for one in api.pages("list plans", "list_backup_plans", "BackupPlansList"):
        if stack.owns(one["BackupPlanName"]):
            yield found("backup plan", one["BackupPlanName"], one["BackupPlanArn"], region)
    for vault in api.pages("list vaults", "list_backup_vaults", "BackupVaultList"):
        name = vault["BackupVaultName"]
        if not stack.owns(name):
            continue
        count = vault.get("NumberOfRecoveryPoints") or 0
        kind = "backup vault with recovery points" if count else "backup vault"
        locked = "vault lock" if vault.get("Locked") else ""
        key = vault.get("EncryptionKeyArn") or ""
        yield found(kind, name, vault["BackupVaultArn"], region, key=key, protected=locked)


@listing("budgets", GLOBAL, "budgets:*")
def budgets(stack: Stack, api: Api, _region: str) -> Iterator[Fields]:
    """Budgets."""
    for one in api.pages("list budgets", "describe_budgets", "Budgets", AccountId=stack.account_id):
        if stack.owns(one["BudgetName"]):
            yield found("budget", one["BudgetName"], one["BudgetName"], "")


@listing("kms", BOTH, "kms:*")
def keys(stack: Stack, api: Api, region: str) -> Iterator[Fields]:
    """Keys, by their aliases."""
    for alias in api.pages("list aliases", "list_aliases", "Aliases"):
        name = alias["AliasName"].removeprefix("alias/")
        if not stack.owns(name) or "TargetKeyId" not in alias:
            continue
        key = api.call(f"look at the key {name}", "describe_key", KeyId=alias["TargetKeyId"])["KeyMetadata"]
        when = key.get("DeletionDate")
        leaving = f"is deleted on {when:%Y-%m-%d}; a converge cancels that" if when else ""
        yield found("key", name, key["Arn"], region, leaving=leaving)
