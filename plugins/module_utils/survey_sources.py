"""Every kind of resource that the layers make, and the reads that show it whole.

A source is a function that yields what it found; :data:`SOURCES` says which layer it belongs to. Sources run side by
side, so one that wants another's answer (the VPC's id) asks for it itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.slipway.aws.plugins.module_utils.survey import Account, Fields, Found, Source, Stack

SOURCES: list[Source] = []

Read = Callable[[Account], Iterator[Found]]


def source(layer: str) -> Callable[[Read], Read]:
    """Enter a function as a source of ``layer``."""

    def enter(read: Read) -> Read:
        SOURCES.append(Source(layer, read))
        return read

    return enter


def _tag(resource: Fields, name: str) -> str:
    return next((str(tag["Value"]) for tag in resource.get("Tags") or [] if tag["Key"] == name), "")


# -- encryption --------------------------------------------------------------------------------------------------------


def grants_to_others(account: Account, region: str, key: str) -> list[Fields]:
    """Grants that let another account use a key. RDS and Auto Scaling take and retire those that they need."""
    grants = account.all("kms", "list_grants", "Grants", region=region, KeyId=key)
    foreign = [
        one for one in grants if _account_of(one.get("GranteePrincipal", "")) not in ("", account.stack.account_id)
    ]
    return [{name: one.get(name) for name in ("GrantId", "GranteePrincipal", "Operations")} for one in foreign]


def _account_of(principal: str) -> str:
    """The account in an ARN; empty for a service, which has none."""
    return principal.split(":")[4] if principal.startswith("arn:") else ""


@source("encryption")
def keys(account: Account) -> Iterator[Found]:
    for region in account.stack.regions:
        ask = partial(account.ask, "kms", region=region)
        for alias in account.all("kms", "list_aliases", "Aliases", region=region):
            if not account.stack.owns(alias["AliasName"], "alias/"):
                continue
            key = alias["TargetKeyId"]
            fields = account.together(
                {
                    "Key": partial(ask, "describe_key", "KeyMetadata", KeyId=key),
                    "Policy": partial(ask, "get_key_policy", "Policy", KeyId=key, PolicyName="default"),
                    "Rotation": partial(ask, "get_key_rotation_status", "KeyRotationEnabled", KeyId=key),
                    "Grants": partial(grants_to_others, account, region, key),
                    "Tags": partial(ask, "list_resource_tags", "Tags", KeyId=key),
                }
            )
            yield Found("AWS::KMS::Key", f"{alias['AliasName']} {region}", fields)


# -- network and its security groups -----------------------------------------------------------------------------------

#: What lies in a VPC: type, boto3's operation, member of the answer, name of the filter, member with the id.
_IN_A_VPC = (
    ("AWS::EC2::Subnet", "describe_subnets", "Subnets", "vpc-id", "SubnetId"),
    ("AWS::EC2::RouteTable", "describe_route_tables", "RouteTables", "vpc-id", "RouteTableId"),
    (
        "AWS::EC2::InternetGateway",
        "describe_internet_gateways",
        "InternetGateways",
        "attachment.vpc-id",
        "InternetGatewayId",
    ),
    ("AWS::EC2::VPCEndpoint", "describe_vpc_endpoints", "VpcEndpoints", "vpc-id", "VpcEndpointId"),
    ("AWS::EC2::NetworkAcl", "describe_network_acls", "NetworkAcls", "vpc-id", "NetworkAclId"),
)


def _vpcs(account: Account) -> list[Fields]:
    name = {"Name": "tag:Name", "Values": [account.stack.name]}
    return account.all("ec2", "describe_vpcs", "Vpcs", Filters=[name])


@source("network")
def network(account: Account) -> Iterator[Found]:
    ask = partial(account.ask, "ec2", "describe_vpc_attribute")
    for vpc in _vpcs(account):
        identifier = vpc["VpcId"]
        within = {
            kind: partial(account.all, "ec2", operation, items, Filters=[{"Name": where, "Values": [identifier]}])
            for kind, operation, items, where, _ in _IN_A_VPC
        }
        support = {
            "EnableDnsSupport": partial(ask, "EnableDnsSupport", VpcId=identifier, Attribute="enableDnsSupport"),
            "EnableDnsHostnames": partial(ask, "EnableDnsHostnames", VpcId=identifier, Attribute="enableDnsHostnames"),
        }
        live = account.together(within | support)
        yield Found("AWS::EC2::VPC", vpc["VpcId"], vpc | {name: live.get(name) for name in support})
        for kind, _, _, _, member in _IN_A_VPC:
            for one in live.get(kind, []):
                yield Found(kind, one[member], one)


@source("network")
def ways_out(account: Account) -> Iterator[Found]:
    """NAT and egress-only gateways with their addresses. A gateway that was deleted is listed for an hour more."""
    ours = [{"Name": "tag:Name", "Values": [account.stack.name, f"{account.stack.name}-*"]}]
    living = {"Name": "state", "Values": ["pending", "available", "failed"]}
    for gateway in account.all("ec2", "describe_nat_gateways", "NatGateways", Filters=[*ours, living]):
        yield Found("AWS::EC2::NatGateway", gateway["NatGatewayId"], gateway)
    for gateway in account.all("ec2", "describe_egress_only_internet_gateways", "EgressOnlyInternetGateways"):
        if account.stack.owns(_tag(gateway, "Name")):
            yield Found("AWS::EC2::EgressOnlyInternetGateway", gateway["EgressOnlyInternetGatewayId"], gateway)
    for address in account.all("ec2", "describe_addresses", "Addresses", Filters=ours):
        yield Found("AWS::EC2::EIP", address["AllocationId"], address)


@source("network")
def security_groups(account: Account) -> Iterator[Found]:
    for vpc in _vpcs(account):
        within = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
        for group in account.all("ec2", "describe_security_groups", "SecurityGroups", Filters=within):
            yield Found("AWS::EC2::SecurityGroup", group["GroupName"], group)


# -- storage -----------------------------------------------------------------------------------------------------------

#: What one asks about a bucket: operation, member of the answer, the error code that means "not set".
_BUCKET_SETTINGS = {
    "Versioning": ("get_bucket_versioning", "", ()),
    "Encryption": (
        "get_bucket_encryption",
        "ServerSideEncryptionConfiguration",
        ("ServerSideEncryptionConfigurationNotFoundError",),
    ),
    "PublicAccessBlock": (
        "get_public_access_block",
        "PublicAccessBlockConfiguration",
        ("NoSuchPublicAccessBlockConfiguration",),
    ),
    "Lifecycle": ("get_bucket_lifecycle_configuration", "Rules", ("NoSuchLifecycleConfiguration",)),
    "Ownership": ("get_bucket_ownership_controls", "OwnershipControls.Rules", ("OwnershipControlsNotFoundError",)),
    "Acl": ("get_bucket_acl", "Grants", ()),
    "Logging": ("get_bucket_logging", "LoggingEnabled", ()),
    "Cors": ("get_bucket_cors", "CORSRules", ("NoSuchCORSConfiguration",)),
    "Website": ("get_bucket_website", "", ("NoSuchWebsiteConfiguration",)),
    "Replication": (
        "get_bucket_replication",
        "ReplicationConfiguration",
        ("ReplicationConfigurationNotFoundError",),
    ),
    "Notifications": ("get_bucket_notification_configuration", "", ()),
    # Lists of the bucket's objects, which may be written to a bucket of somebody else.
    "Inventories": ("list_bucket_inventory_configurations", "InventoryConfigurationList", ()),
    # Not every region has it.
    "Acceleration": ("get_bucket_accelerate_configuration", "", ("MethodNotAllowed", "UnsupportedArgument")),
    "ObjectLock": (
        "get_object_lock_configuration",
        "ObjectLockConfiguration",
        ("ObjectLockConfigurationNotFoundError",),
    ),
    "Tags": ("get_bucket_tagging", "TagSet", ("NoSuchTagSet",)),
}


@source("storage")
def buckets(account: Account) -> Iterator[Found]:
    wanted = set(account.stack.buckets)
    for bucket in account.ask("s3", "list_buckets", "Buckets") or []:
        if bucket["Name"] in wanted:
            settings = {
                name: partial(account.ask, "s3", operation, item, missing=missing, Bucket=bucket["Name"])
                for name, (operation, item, missing) in _BUCKET_SETTINGS.items()
            }
            yield Found("AWS::S3::Bucket", bucket["Name"], account.together(settings))


def _bucket_policies(account: Account, names: Iterable[str]) -> Iterator[Found]:
    read = partial(account.ask, "s3", "get_bucket_policy", "Policy", missing=("NoSuchBucketPolicy", "NoSuchBucket"))
    for name in names:
        policy = read(Bucket=name)
        if policy:
            yield Found("AWS::S3::BucketPolicy", name, {"Policy": policy})


@source("storage")
def bucket_policies(account: Account) -> Iterator[Found]:
    """Who may read the front end's bucket says the layer of CloudFront, which alone knows the distribution."""
    yield from _bucket_policies(account, [name for name in account.stack.buckets if name != account.stack.site_bucket])


@source("edge")
def frontend_bucket_policy(account: Account) -> Iterator[Found]:
    yield from _bucket_policies(account, filter(None, [account.stack.site_bucket]))


# -- identity ----------------------------------------------------------------------------------------------------------


def _role(account: Account, name: str) -> Fields:
    """A role with everything that says what it may do."""
    ask = partial(account.ask, "iam")
    fields: Fields = {"Role": ask("get_role", "Role", RoleName=name)}
    fields["Attached"] = account.all("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name)
    inline = account.all("iam", "list_role_policies", "PolicyNames", RoleName=name)
    fields["Policies"] = {
        one: ask("get_role_policy", "PolicyDocument", RoleName=name, PolicyName=one) for one in inline
    }
    return fields


def _roles(account: Account, wanted: Callable[[str], bool]) -> Iterator[Found]:
    names = [role["RoleName"] for role in account.all("iam", "list_roles", "Roles") if wanted(role["RoleName"])]
    for name, fields in zip(names, account.each(names, partial(_role, account)), strict=True):
        yield Found("AWS::IAM::Role", name, fields)


#: The layers that make a role of their own, by the end of its name; every other role is the layer's `identity`.
_OTHERS_ROLES = {"flows": "logs", "backup": "backup", "monitoring": "database", "deployer": "deployers"}


@source("identity")
def identity_roles(account: Account) -> Iterator[Found]:
    def ours(name: str) -> bool:
        return account.stack.owns(name) and name.removeprefix(f"{account.stack.name}-") not in _OTHERS_ROLES

    yield from _roles(account, ours)
    for profile in account.all("iam", "list_instance_profiles", "InstanceProfiles"):
        if account.stack.owns(profile["InstanceProfileName"]):
            roles = [role["RoleName"] for role in profile["Roles"]]
            name = profile["InstanceProfileName"]
            yield Found("AWS::IAM::InstanceProfile", name, {"Arn": profile["Arn"], "Roles": roles})


@source("deployers")
def managed_policies(account: Account) -> Iterator[Found]:
    for policy in account.all("iam", "list_policies", "Policies", Scope="Local"):
        if account.stack.owns(policy["PolicyName"]):
            version = {"PolicyArn": policy["Arn"], "VersionId": policy["DefaultVersionId"]}
            document = account.ask("iam", "get_policy_version", "PolicyVersion.Document", **version)
            tags = account.ask("iam", "list_policy_tags", "Tags", PolicyArn=policy["Arn"])
            yield Found("AWS::IAM::ManagedPolicy", policy["PolicyName"], {"Document": document, "Tags": tags})


@source("deployers")
def identity_providers(account: Account) -> Iterator[Found]:
    """GitHub's, which all environments of the account share."""
    for one in account.ask("iam", "list_open_id_connect_providers", "OpenIDConnectProviderList") or []:
        if one["Arn"].endswith("/token.actions.githubusercontent.com"):
            fields = account.ask("iam", "get_open_id_connect_provider", OpenIDConnectProviderArn=one["Arn"])
            yield Found("AWS::IAM::OIDCProvider", one["Arn"], fields)


def _layers_role(layer: str) -> Read:
    def role(account: Account) -> Iterator[Found]:
        names = {f"{account.stack.name}-{end}" for end, owner in _OTHERS_ROLES.items() if owner == layer}
        for name in sorted(names):
            if account.ask("iam", "get_role", missing=("NoSuchEntity",), RoleName=name):
                yield Found("AWS::IAM::Role", name, _role(account, name))

    role.__name__ = f"role_of_{layer}"
    return role


for _layer in sorted(set(_OTHERS_ROLES.values())):
    SOURCES.append(Source(_layer, _layers_role(_layer)))


# -- secrets and parameters: what they are, never what they hold -------------------------------------------------------


#: What the layer makes. The list of all secrets is up to five minutes old, so that new ones are not yet in it:
#: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html
SECRETS = ("database", "cache", "django")


def _secret(account: Account, name: str) -> Fields | None:
    ask = partial(account.ask, "secretsmanager", SecretId=name)
    secret: Fields | None = ask("describe_secret", missing=("ResourceNotFoundException",))
    if secret is None or secret.get("DeletedDate"):
        return None
    # That the value is another one says its version.
    versions = secret.get("VersionIdsToStages") or {}
    current = [version for version, stages in versions.items() if "AWSCURRENT" in stages]
    policy = ask("get_resource_policy", "ResourcePolicy")
    return secret | {"ResourcePolicy": policy, "CurrentVersion": next(iter(current), None)}


@source("secrets")
def secrets(account: Account) -> Iterator[Found]:
    prefix = f"{account.stack.name}/"
    named = {"Key": "name", "Values": [prefix]}
    listed = [one["Name"] for one in account.all("secretsmanager", "list_secrets", "SecretList", Filters=[named])]
    names = sorted({*listed, *(f"{prefix}{made}" for made in SECRETS)})
    for name, secret in zip(names, account.each(names, partial(_secret, account)), strict=True):
        if secret:
            yield Found("AWS::SecretsManager::Secret", name, secret)


@source("parameters")
def parameters(account: Account) -> Iterator[Found]:
    below: Fields = {"Path": f"/{account.stack.name}", "Recursive": True, "WithDecryption": False}
    for parameter in account.all("ssm", "get_parameters_by_path", "Parameters", **below):
        if parameter["Name"].startswith(tuple(account.stack.moving_parameters)):
            continue
        # An encrypted value is another text each time; that it is another one says its version.
        kept = ("Type", "Version") if parameter["Type"] == "SecureString" else ("Type", "DataType", "Value")
        yield Found("AWS::SSM::Parameter", parameter["Name"], {name: parameter.get(name) for name in kept})


# -- dns ---------------------------------------------------------------------------------------------------------------


def _zones(account: Account) -> Iterator[Fields]:
    name = account.stack.zone.rstrip(".") + "."
    for zone in account.all("route53", "list_hosted_zones", "HostedZones"):
        if zone["Name"] == name and not zone["Config"].get("PrivateZone"):
            yield zone | {"Id": zone["Id"].rsplit("/", 1)[-1]}


def _records(account: Account, wanted: Callable[[str], bool]) -> Iterator[Found]:
    for zone in _zones(account):
        for record in account.all(
            "route53", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone["Id"]
        ):
            name = record["Name"].rstrip(".")
            if wanted(name):
                told_apart = f" {record['SetIdentifier']}" if "SetIdentifier" in record else ""
                yield Found("AWS::Route53::RecordSet", f"{record['Type']} {name}{told_apart}", record)


@source("dns")
def zones(account: Account) -> Iterator[Found]:
    """The zone, and in it whatever proves that a certificate's domain is ours."""
    which = {"ResourceType": "hostedzone"}
    for zone in _zones(account):
        tags = account.ask("route53", "list_tags_for_resource", "ResourceTagSet.Tags", ResourceId=zone["Id"], **which)
        yield Found(
            "AWS::Route53::HostedZone", zone["Name"], {"Id": zone["Id"], "Config": zone["Config"], "Tags": tags}
        )
    ends = tuple(f".{domain}" for domain in account.stack.domains)
    yield from _records(account, lambda name: name.endswith(ends) and name not in account.stack.domains)


@source("edge")
def site_records(account: Account) -> Iterator[Found]:
    yield from _records(account, lambda name: name == account.stack.site_domain)


@source("balancer")
def origin_records(account: Account) -> Iterator[Found]:
    yield from _records(account, lambda name: name == account.stack.origin_domain)


@source("dns")
def certificates(account: Account) -> Iterator[Found]:
    # CloudFront's and the load balancer's. Without the filter AWS leaves out what is not RSA 1024 or 2048.
    types = {"keyTypes": ["RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1"]}
    for region in account.stack.regions:
        ask = partial(account.ask, "acm", region=region)
        for summary in account.all("acm", "list_certificates", "CertificateSummaryList", region=region, Includes=types):
            if summary["DomainName"] not in account.stack.domains:
                continue
            arn = summary["CertificateArn"]
            certificate = ask("describe_certificate", "Certificate", CertificateArn=arn)
            certificate["Tags"] = ask("list_tags_for_certificate", "Tags", CertificateArn=arn)
            yield Found("AWS::CertificateManager::Certificate", f"{summary['DomainName']} {arn}", certificate)


# -- database and cache ------------------------------------------------------------------------------------------------


def _version(of: Fields) -> Any:
    """The engine's version, as far as somebody chooses it: where minor ones come by themselves, the major one."""
    version = of.get("EngineVersion")
    return version.split(".")[0] if version and of.get("AutoMinorVersionUpgrade") else version


def _own_storage(instance: Fields) -> Any:
    """The size of a database's storage, where RDS does not choose it: it enlarges it by itself, up to a limit.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html
    """
    size = instance.get("AllocatedStorage")
    return size if size is None or size > instance.get("MaxAllocatedStorage", 0) else None


def _shared_snapshots(account: Account, database: str) -> Fields:
    """Who else may restore a database's snapshots, by their names. Those that RDS takes by itself cannot be shared."""
    manual = account.all(
        "rds", "describe_db_snapshots", "DBSnapshots", DBInstanceIdentifier=database, SnapshotType="manual"
    )
    names = [snapshot["DBSnapshotIdentifier"] for snapshot in manual]
    shared = dict(zip(names, account.each(names, partial(_restorers, account)), strict=True))
    return {name: restorers for name, restorers in shared.items() if restorers}


def _restorers(account: Account, snapshot: str) -> list[str]:
    path = "DBSnapshotAttributesResult.DBSnapshotAttributes"
    answer = account.ask("rds", "describe_db_snapshot_attributes", path, DBSnapshotIdentifier=snapshot) or []
    return [value for one in answer if one["AttributeName"] == "restore" for value in one["AttributeValues"]]


@source("database")
def database(account: Account) -> Iterator[Found]:
    tags = partial(account.ask, "rds", "list_tags_for_resource", "TagList")
    for instance in account.all("rds", "describe_db_instances", "DBInstances"):
        name = instance["DBInstanceIdentifier"]
        if account.stack.owns(name):
            instance |= {"EngineVersion": _version(instance), "AllocatedStorage": _own_storage(instance)}
            yield Found("AWS::RDS::DBInstance", name, instance | {"SharedSnapshots": _shared_snapshots(account, name)})
    for group in account.all("rds", "describe_db_subnet_groups", "DBSubnetGroups"):
        if account.stack.owns(group["DBSubnetGroupName"]):
            group["Tags"] = tags(ResourceName=group["DBSubnetGroupArn"])
            yield Found("AWS::RDS::DBSubnetGroup", group["DBSubnetGroupName"], group)
    for group in account.all("rds", "describe_db_parameter_groups", "DBParameterGroups"):
        name = group["DBParameterGroupName"]
        if account.stack.owns(name):
            chosen = {"DBParameterGroupName": name, "Source": "user"}
            group["Parameters"] = account.all("rds", "describe_db_parameters", "Parameters", **chosen)
            group["Tags"] = tags(ResourceName=group["DBParameterGroupArn"])
            yield Found("AWS::RDS::DBParameterGroup", name, group)


@source("cache")
def cache(account: Account) -> Iterator[Found]:
    tags = partial(account.ask, "elasticache", "list_tags_for_resource", "TagList")
    for group in account.all("elasticache", "describe_replication_groups", "ReplicationGroups"):
        if account.stack.owns(group["ReplicationGroupId"]):
            group["Tags"] = tags(ResourceName=group["ARN"])
            yield Found("AWS::ElastiCache::ReplicationGroup", group["ReplicationGroupId"], group)
    for cluster in account.all("elasticache", "describe_cache_clusters", "CacheClusters", ShowCacheNodeInfo=True):
        if account.stack.owns(cluster["CacheClusterId"]):
            cluster["EngineVersion"] = _version(cluster)
            yield Found("AWS::ElastiCache::CacheCluster", cluster["CacheClusterId"], cluster)
    for group in account.all("elasticache", "describe_cache_subnet_groups", "CacheSubnetGroups"):
        if account.stack.owns(group["CacheSubnetGroupName"]):
            yield Found("AWS::ElastiCache::SubnetGroup", group["CacheSubnetGroupName"], group)
    for group in account.all("elasticache", "describe_cache_parameter_groups", "CacheParameterGroups"):
        name = group["CacheParameterGroupName"]
        if account.stack.owns(name):
            chosen = {"CacheParameterGroupName": name, "Source": "user"}
            group["Parameters"] = account.all("elasticache", "describe_cache_parameters", "Parameters", **chosen)
            yield Found("AWS::ElastiCache::ParameterGroup", name, group)


# -- queue -------------------------------------------------------------------------------------------------------------


@source("queue")
def queues(account: Account) -> Iterator[Found]:
    for url in account.all("sqs", "list_queues", "QueueUrls", QueueNamePrefix=account.stack.name):
        name = url.rsplit("/", 1)[-1]
        if account.stack.owns(name):
            fields = account.ask("sqs", "get_queue_attributes", "Attributes", QueueUrl=url, AttributeNames=["All"])
            fields["Tags"] = account.ask("sqs", "list_queue_tags", "Tags", QueueUrl=url)
            yield Found("AWS::SQS::Queue", name, fields)


# -- alerts ------------------------------------------------------------------------------------------------------------


def subscriptions(account: Account, region: str, topic: str) -> list[Fields]:
    """Who is told, and of what: a filter makes a subscription silent.

    One that is not yet confirmed has no ARN and no attributes, so that what a subscription has by itself is left out:
    nobody changes it by following the link. The site's own is made after the releases, by every run in which it is not
    there, and no part of the layer.
    """
    listed = account.all("sns", "list_subscriptions_by_topic", "Subscriptions", region=region, TopicArn=topic)
    found = [one for one in listed if urlsplit(one["Endpoint"]).hostname != account.stack.site_domain]
    for one in found:
        if one["SubscriptionArn"].startswith("arn:"):
            which = {"SubscriptionArn": one["SubscriptionArn"]}
            attributes = account.ask("sns", "get_subscription_attributes", "Attributes", region=region, **which)
            if attributes.get("FilterPolicy"):
                one |= {name: attributes.get(name) for name in ("FilterPolicy", "FilterPolicyScope")}
            if attributes.get("RawMessageDelivery") == "true":
                one["RawMessageDelivery"] = "true"
    return found


@source("alerts")
def topics(account: Account) -> Iterator[Found]:
    for region in account.stack.regions:
        ask = partial(account.ask, "sns", region=region)
        for topic in account.all("sns", "list_topics", "Topics", region=region):
            arn = topic["TopicArn"]
            name = arn.rsplit(":", 1)[-1]
            if not account.stack.owns(name):
                continue
            fields = account.together(
                {
                    "Attributes": partial(ask, "get_topic_attributes", "Attributes", TopicArn=arn),
                    "Subscriptions": partial(subscriptions, account, region, arn),
                    "Tags": partial(ask, "list_tags_for_resource", "Tags", ResourceArn=arn),
                }
            )
            yield Found("AWS::SNS::Topic", f"{name} {region}", fields)


# -- logs --------------------------------------------------------------------------------------------------------------


def _log_groups(account: Account, prefix: str, region: str) -> Iterator[Found]:
    ask = partial(account.ask, "logs", region=region)
    for group in account.all("logs", "describe_log_groups", "logGroups", region=region, logGroupNamePrefix=prefix):
        name = group["logGroupName"]
        filters = partial(account.all, "logs", "describe_metric_filters", "metricFilters", region=region)
        fields = group | account.together(
            {
                "MetricFilters": partial(filters, logGroupName=name),
                "SubscriptionFilters": partial(
                    ask, "describe_subscription_filters", "subscriptionFilters", logGroupName=name
                ),
                "Tags": partial(ask, "list_tags_for_resource", "tags", resourceArn=group["arn"].removesuffix(":*")),
            }
        )
        yield Found("AWS::Logs::LogGroup", f"{name} {region}", fields)


@source("logs")
def log_groups(account: Account) -> Iterator[Found]:
    for prefix in (f"/{account.stack.name}/", f"/aws/rds/instance/{account.stack.name}/"):
        yield from _log_groups(account, prefix, account.stack.region)


@source("logs")
def flow_logs(account: Account) -> Iterator[Found]:
    for vpc in _vpcs(account):
        of_it = [{"Name": "resource-id", "Values": [vpc["VpcId"]]}]
        for log in account.all("ec2", "describe_flow_logs", "FlowLogs", Filters=of_it):
            yield Found("AWS::EC2::FlowLog", log["FlowLogId"], log)


# -- firewall ----------------------------------------------------------------------------------------------------------


@source("firewall")
def web_acls(account: Account) -> Iterator[Found]:
    for scope, region in (("REGIONAL", account.stack.region), ("CLOUDFRONT", account.stack.edge_region)):
        ask = partial(account.ask, "wafv2", region=region)
        for summary in account.all("wafv2", "list_web_acls", "WebACLs", region=region, Scope=scope):
            if not account.stack.owns(summary["Name"]):
                continue
            arn = summary["ARN"]
            which = {"Name": summary["Name"], "Id": summary["Id"], "Scope": scope}
            questions = {
                "WebACL": partial(ask, "get_web_acl", "WebACL", **which),
                "Logging": partial(
                    ask,
                    "get_logging_configuration",
                    "LoggingConfiguration",
                    missing=("WAFNonexistentItemException",),
                    ResourceArn=arn,
                ),
                "Tags": partial(ask, "list_tags_for_resource", "TagInfoForResource.TagList", ResourceARN=arn),
            }
            if scope == "REGIONAL":
                questions["Protects"] = partial(
                    ask,
                    "list_resources_for_web_acl",
                    "ResourceArns",
                    WebACLArn=arn,
                    ResourceType="APPLICATION_LOAD_BALANCER",
                )
            yield Found("AWS::WAFv2::WebACL", f"{summary['Name']} {scope}", account.together(questions))


@source("firewall")
def firewall_logs(account: Account) -> Iterator[Found]:
    for region in account.stack.regions:
        yield from _log_groups(account, f"aws-waf-logs-{account.stack.name}-", region)


# -- balancer ----------------------------------------------------------------------------------------------------------


@source("balancer")
def balancer(account: Account) -> Iterator[Found]:
    ask = partial(account.ask, "elbv2")
    tags = partial(ask, "describe_tags", "TagDescriptions")
    for one in account.all("elbv2", "describe_load_balancers", "LoadBalancers"):
        if not account.stack.owns(one["LoadBalancerName"]):
            continue
        arn = one["LoadBalancerArn"]
        questions = {
            "Attributes": partial(ask, "describe_load_balancer_attributes", "Attributes", LoadBalancerArn=arn),
            "Tags": partial(tags, ResourceArns=[arn]),
        }
        yield Found(
            "AWS::ElasticLoadBalancingV2::LoadBalancer", one["LoadBalancerName"], one | account.together(questions)
        )
        for listener in account.all("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=arn):
            which = listener["ListenerArn"]
            questions = {
                "Attributes": partial(ask, "describe_listener_attributes", "Attributes", ListenerArn=which),
                "Rules": partial(account.all, "elbv2", "describe_rules", "Rules", ListenerArn=which),
                "Tags": partial(tags, ResourceArns=[which]),
            }
            name = f"{one['LoadBalancerName']} {listener['Protocol']} {listener['Port']}"
            yield Found("AWS::ElasticLoadBalancingV2::Listener", name, listener | account.together(questions))


@source("balancer")
def target_groups(account: Account) -> Iterator[Found]:
    ask = partial(account.ask, "elbv2")
    for group in account.all("elbv2", "describe_target_groups", "TargetGroups"):
        if account.stack.owns(group["TargetGroupName"]):
            arn = group["TargetGroupArn"]
            questions = {
                "Attributes": partial(ask, "describe_target_group_attributes", "Attributes", TargetGroupArn=arn),
                "Tags": partial(ask, "describe_tags", "TagDescriptions", ResourceArns=[arn]),
            }
            name = group["TargetGroupName"]
            yield Found("AWS::ElasticLoadBalancingV2::TargetGroup", name, group | account.together(questions))


# -- edge --------------------------------------------------------------------------------------------------------------


def serves(distribution: Fields, stack: Stack) -> bool:
    """Whether a distribution answers for the stack, or asks what is the stack's: its aliases may have been taken."""
    aliases = set((distribution.get("Aliases") or {}).get("Items") or [])
    origins = {origin["DomainName"] for origin in distribution["Origins"]["Items"]}
    buckets = {f"{stack.site_bucket}.s3.{stack.region}.amazonaws.com"} if stack.site_bucket else set()
    return bool(aliases & set(stack.domains) or origins & {*buckets, *filter(None, [stack.origin_domain])})


@source("edge")
def distributions(account: Account) -> Iterator[Found]:
    for one in account.all("cloudfront", "list_distributions", "DistributionList.Items"):
        if serves(one, account.stack):
            questions = {
                "Config": partial(
                    account.ask, "cloudfront", "get_distribution_config", "DistributionConfig", Id=one["Id"]
                ),
                "Tags": partial(account.ask, "cloudfront", "list_tags_for_resource", "Tags.Items", Resource=one["ARN"]),
            }
            status = {"Id": one["Id"], "DomainName": one["DomainName"], "Status": one["Status"]}
            yield Found("AWS::CloudFront::Distribution", one["Id"], status | account.together(questions))


def _health_check_tags(account: Account, check: Fields) -> Any:
    which = {"ResourceType": "healthcheck", "ResourceId": check["Id"]}
    return account.ask("route53", "list_tags_for_resource", "ResourceTagSet.Tags", **which)


@source("edge")
def health_checks(account: Account) -> Iterator[Found]:
    """Their names are tags, so that those of all environments have to be asked for."""
    found = account.all("route53", "list_health_checks", "HealthChecks")
    for one, tags in zip(found, account.each(found, partial(_health_check_tags, account)), strict=True):
        name = _tag({"Tags": tags}, "Name")
        if account.stack.owns(name):
            yield Found("AWS::Route53::HealthCheck", name, one | {"Tags": tags})


@source("edge")
def access_logs(account: Account) -> Iterator[Found]:
    """Deliveries of CloudFront's logs, which live in one region whatever that of the stack is."""
    read = partial(account.all, "logs", region=account.stack.edge_region)
    ours = {one["name"]: one for one in read("describe_delivery_sources", "deliverySources")}
    for delivery in read("describe_deliveries", "deliveries"):
        name = delivery["deliverySourceName"]
        if account.stack.owns(name):
            yield Found("AWS::Logs::Delivery", name, delivery | {"source": ours.get(name)})
    for target in read("describe_delivery_destinations", "deliveryDestinations"):
        if account.stack.owns(target["name"]):
            yield Found("AWS::Logs::DeliveryDestination", target["name"], target)


@source("edge")
def edge_functions(account: Account) -> Iterator[Found]:
    for one in account.all("cloudfront", "list_functions", "FunctionList.Items"):
        stage = one["FunctionMetadata"]["Stage"]
        if account.stack.owns(one["Name"]):
            code = account.ask("cloudfront", "get_function", "FunctionCode", Name=one["Name"], Stage=stage)
            text = code.read() if hasattr(code, "read") else bytes(code or b"")
            fields = {"Config": one["FunctionConfig"], "Code": hashlib.sha256(text).hexdigest()}
            yield Found("AWS::CloudFront::Function", f"{one['Name']} {stage}", fields)


@source("edge")
def edge_policies(account: Account) -> Iterator[Found]:
    ask = partial(account.ask, "cloudfront")
    for one in account.all("cloudfront", "list_origin_access_controls", "OriginAccessControlList.Items"):
        if account.stack.owns(one["Name"]):
            yield Found("AWS::CloudFront::OriginAccessControl", one["Name"], one)
    listed = "ResponseHeadersPolicyList.Items"
    for one in account.all("cloudfront", "list_response_headers_policies", listed, Type="custom"):
        policy = one["ResponseHeadersPolicy"]
        name = policy["ResponseHeadersPolicyConfig"]["Name"]
        if account.stack.owns(name):
            config = ask("get_response_headers_policy_config", "ResponseHeadersPolicyConfig", Id=policy["Id"])
            yield Found("AWS::CloudFront::ResponseHeadersPolicy", name, {"Id": policy["Id"], "Config": config})


# -- alarms ------------------------------------------------------------------------------------------------------------


def _alarm_tags(account: Account, region: str, alarm: Fields) -> Any:
    which = {"ResourceARN": alarm["AlarmArn"]}
    return account.ask("cloudwatch", "list_tags_for_resource", "Tags", region=region, **which)


@source("alarms")
def alarms(account: Account) -> Iterator[Found]:
    kinds = (("AWS::CloudWatch::Alarm", "MetricAlarm"), ("AWS::CloudWatch::CompositeAlarm", "CompositeAlarm"))
    for region in account.stack.regions:
        for kind, name in kinds:
            wanted = {"AlarmNamePrefix": f"{account.stack.name}/", "AlarmTypes": [name]}
            found = account.all("cloudwatch", "describe_alarms", f"{name}s", region=region, **wanted)
            for alarm, its_tags in zip(found, account.each(found, partial(_alarm_tags, account, region)), strict=True):
                yield Found(kind, f"{alarm['AlarmName']} {region}", alarm | {"Tags": its_tags})


#: States of a subscription that somebody brings about who takes the topic away, or the right to write to it.
#: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_EventSubscription.html
_SILENCED = ("no-permission", "topic-not-exist")


@source("alarms")
def event_subscriptions(account: Account) -> Iterator[Found]:
    for one in account.all("rds", "describe_event_subscriptions", "EventSubscriptionsList"):
        name = one["CustSubscriptionId"]
        if account.stack.owns(name):
            arn = one["EventSubscriptionArn"]
            tags = account.ask("rds", "list_tags_for_resource", "TagList", ResourceName=arn)
            silenced = one["Status"] if one["Status"] in _SILENCED else None
            yield Found("AWS::RDS::EventSubscription", name, one | {"Silenced": silenced, "Tags": tags})


@source("alarms")
def dashboards(account: Account) -> Iterator[Found]:
    prefix = {"DashboardNamePrefix": account.stack.name}
    for one in account.all("cloudwatch", "list_dashboards", "DashboardEntries", **prefix):
        if account.stack.owns(one["DashboardName"]):
            name = one["DashboardName"]
            body = account.ask("cloudwatch", "get_dashboard", "DashboardBody", DashboardName=name)
            yield Found("AWS::CloudWatch::Dashboard", name, {"Body": body})


# -- tracing -----------------------------------------------------------------------------------------------------------


@source("tracing")
def traces(account: Account) -> Iterator[Found]:
    tags = partial(account.all, "xray", "list_tags_for_resource", "Tags")
    for group in account.all("xray", "get_groups", "Groups"):
        if account.stack.owns(group["GroupName"]):
            yield Found("AWS::XRay::Group", group["GroupName"], group | {"Tags": tags(ResourceARN=group["GroupARN"])})
    for record in account.all("xray", "get_sampling_rules", "SamplingRuleRecords"):
        rule = record["SamplingRule"]
        if account.stack.owns(rule["RuleName"]):
            yield Found("AWS::XRay::SamplingRule", rule["RuleName"], rule | {"Tags": tags(ResourceARN=rule["RuleARN"])})


# -- backup and budget -------------------------------------------------------------------------------------------------


@source("backup")
def backup_plans(account: Account) -> Iterator[Found]:
    ask = partial(account.ask, "backup")
    for one in account.all("backup", "list_backup_plans", "BackupPlansList"):
        if account.stack.owns(one["BackupPlanName"]):
            plan = one["BackupPlanId"]
            fields = ask("get_backup_plan", "BackupPlan", BackupPlanId=plan)
            chosen = account.all("backup", "list_backup_selections", "BackupSelectionsList", BackupPlanId=plan)
            fields["Selections"] = [
                ask("get_backup_selection", "BackupSelection", BackupPlanId=plan, SelectionId=selection["SelectionId"])
                for selection in chosen
            ]
            fields["Tags"] = ask("list_tags", "Tags", ResourceArn=one["BackupPlanArn"])
            yield Found("AWS::Backup::BackupPlan", one["BackupPlanName"], fields)


@source("backup")
def backup_vaults(account: Account) -> Iterator[Found]:
    for one in account.all("backup", "list_backup_vaults", "BackupVaultList"):
        if account.stack.owns(one["BackupVaultName"]):
            one["Tags"] = account.ask("backup", "list_tags", "Tags", ResourceArn=one["BackupVaultArn"])
            policy = partial(account.ask, "backup", "get_backup_vault_access_policy", "Policy")
            one["AccessPolicy"] = policy(missing=("ResourceNotFoundException",), BackupVaultName=one["BackupVaultName"])
            yield Found("AWS::Backup::BackupVault", one["BackupVaultName"], one)


@source("budget")
def budgets(account: Account) -> Iterator[Found]:
    # One endpoint for all regions, in us-east-1.
    read = partial(account.all, "budgets", region=account.stack.edge_region, AccountId=account.stack.account_id)
    for one in read("describe_budgets", "Budgets"):
        if not account.stack.owns(one["BudgetName"]):
            continue
        notices = read("describe_notifications_for_budget", "Notifications", BudgetName=one["BudgetName"])
        told = [
            notice
            | {
                "Subscribers": read(
                    "describe_subscribers_for_notification",
                    "Subscribers",
                    BudgetName=one["BudgetName"],
                    Notification={name: value for name, value in notice.items() if name != "NotificationState"},
                )
            }
            for notice in notices
        ]
        yield Found("AWS::Budgets::Budget", one["BudgetName"], one | {"Notifications": told})


# -- image and compute: what launch.yml makes --------------------------------------------------------------------------

#: How many instances run, and which, is the load's business and the health checks'.
_SCALED = ("DesiredCapacity", "Instances", "PredictedCapacity", "TrafficSources", "WarmPoolSize")


@source("compute")
def groups(account: Account) -> Iterator[Found]:
    for group in account.all("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups"):
        name = group["AutoScalingGroupName"]
        if not account.stack.owns(name):
            continue
        read = partial(account.all, "autoscaling", AutoScalingGroupName=name)
        ask = partial(account.ask, "autoscaling", AutoScalingGroupName=name)
        settings = account.together(
            {
                "Policies": partial(read, "describe_policies", "ScalingPolicies"),
                "ScheduledActions": partial(read, "describe_scheduled_actions", "ScheduledUpdateGroupActions"),
                "LifecycleHooks": partial(ask, "describe_lifecycle_hooks", "LifecycleHooks"),
                "WarmPool": partial(ask, "describe_warm_pool", "WarmPoolConfiguration"),
            }
        )
        # What an action sets is another value by day than at night; the actions themselves are compared.
        scheduled = {"MinSize", "MaxSize"} & {member for one in settings.get("ScheduledActions", []) for member in one}
        kept = {member: value for member, value in group.items() if member not in {*_SCALED, *scheduled}}
        kept["Instances"] = unlike_their_template(account, name, group["Instances"])
        yield Found("AWS::AutoScaling::AutoScalingGroup", name, kept | settings)


def unlike_their_template(account: Account, group: str, members: list[Fields]) -> Fields:
    """What somebody changed on running instances, by their ids. They come and go, so that a record cannot hold them;
    the version of the launch template that each was started from can."""
    started = {
        one["InstanceId"]: (one["LaunchTemplate"]["LaunchTemplateId"], one["LaunchTemplate"]["Version"])
        for one in members
        if one.get("LaunchTemplate")
    }
    versions = sorted(set(started.values()))
    templates = dict(zip(versions, account.each(versions, partial(_template, account)), strict=True))
    # By the group: a filter takes 200 ids.
    running = [
        {"Name": "tag:aws:autoscaling:groupName", "Values": [group]},
        {"Name": "instance-state-name", "Values": ["running"]},
    ]
    reservations = account.all("ec2", "describe_instances", "Reservations", Filters=running) if started else []
    instances = {one["InstanceId"]: one for each in reservations for one in each["Instances"]}
    # Of one whose template is gone nobody can say how it was started; the next run replaces it.
    found = {
        identifier: unlike(_as_started(template), _as_it_is(instances[identifier]))
        for identifier, version in started.items()
        if identifier in instances and (template := templates[version]) is not None
    }
    return {identifier: fields for identifier, fields in found.items() if fields}


#: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
_NO_TEMPLATE = ("InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateId.VersionNotFound")


def _template(account: Account, version: tuple[str, str]) -> Fields | None:
    """The data of a version (id, number) of a launch template, if it is still there."""
    which: Fields = {"LaunchTemplateId": version[0], "Versions": [version[1]]}
    found: list[Fields] | None = account.ask(
        "ec2", "describe_launch_template_versions", "LaunchTemplateVersions", missing=_NO_TEMPLATE, **which
    )
    return found[0]["LaunchTemplateData"] if found else None


def unlike(wanted: Fields, live: Fields) -> Fields:
    """The live values of the members that somebody wants otherwise; in structures, of their members."""
    found: Fields = {}
    for name, value in wanted.items():
        if isinstance(value, dict):
            inner = unlike(value, live.get(name) or {})
            found |= {name: inner} if inner else {}
        elif live.get(name) != value:
            found[name] = live.get(name)
    return found


def _as_started(template: Fields) -> Fields:
    """What a launch template's data says of an instance that can be changed while it runs."""
    groups = template.get("SecurityGroupIds") or (template.get("NetworkInterfaces") or [{}])[0].get("Groups") or []
    tagged = [one for one in template.get("TagSpecifications") or [] if one["ResourceType"] == "instance"]
    profile = template.get("IamInstanceProfile") or {}
    return {
        "SecurityGroups": sorted(groups),
        "IamInstanceProfile": profile.get("Name") or profile.get("Arn", "").rsplit("/", 1)[-1],
        "MetadataOptions": template.get("MetadataOptions") or {},
        "SourceDestCheck": True,
        "Tags": {tag["Key"]: tag["Value"] for one in tagged for tag in one["Tags"]},
    }


def _as_it_is(instance: Fields) -> Fields:
    """The same of an instance."""
    return {
        "SecurityGroups": sorted(group["GroupId"] for group in instance["SecurityGroups"]),
        "IamInstanceProfile": (instance.get("IamInstanceProfile") or {}).get("Arn", "").rsplit("/", 1)[-1],
        "MetadataOptions": instance.get("MetadataOptions"),
        "SourceDestCheck": instance.get("SourceDestCheck"),
        "Tags": {tag["Key"]: tag["Value"] for tag in instance.get("Tags") or []},
    }


@source("compute")
def launch_templates(account: Account) -> Iterator[Found]:
    for template in account.all("ec2", "describe_launch_templates", "LaunchTemplates"):
        if account.stack.owns(template["LaunchTemplateName"]):
            which = {"LaunchTemplateId": template["LaunchTemplateId"], "Versions": ["$Default", "$Latest"]}
            versions = account.all("ec2", "describe_launch_template_versions", "LaunchTemplateVersions", **which)
            default = next(one for one in versions if one["VersionNumber"] == template["DefaultVersionNumber"])
            latest = max(versions, key=lambda one: int(one["VersionNumber"]))
            data = {"Default": default["LaunchTemplateData"], "Latest": latest["LaunchTemplateData"]}
            yield Found("AWS::EC2::LaunchTemplate", template["LaunchTemplateName"], template | {"Data": data})


@source("image")
def images(account: Account) -> Iterator[Found]:
    named = [{"Name": "name", "Values": [f"{account.stack.name}*"]}]
    for image in account.all("ec2", "describe_images", "Images", Owners=["self"], Filters=named):
        if account.stack.owns(image["Name"]):
            yield Found("AWS::EC2::Image", image["ImageId"], image)
