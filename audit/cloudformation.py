"""Requests as CloudFormation resources, so that cfn-lint can compare them with what AWS documents.

cfn-lint carries the schemas of AWS's resources for every region: patterns, lengths, enumerations, engine versions and
instance classes. Only names differ between an API and CloudFormation, and only those are written down
here; a parameter that nobody mapped stays in the template and is refused there as a property that does not exist.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cfnlint.api import lint  # type: ignore[import-untyped]
from cfnlint.config import ManualArgs  # type: ignore[import-untyped]
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]

from audit.recording import Call

Properties = dict[str, Any]


@dataclass
class Resource:
    """One resource of a template, or a part of one: parts with the same type and identity are one resource."""

    type: str
    properties: Properties
    identity: str = ""


Translate = Callable[[Properties], Iterable[Resource]]


@dataclass(frozen=True)
class Simple:
    """An operation whose parameters are the properties of a resource, but for these."""

    type: str
    renamed: Mapping[str, str] = field(default_factory=dict)
    #: Not a property: an idempotency token, or what CloudFormation has no word for.
    dropped: tuple[str, ...] = ()
    #: Parameters that hold a JSON document as text.
    documents: tuple[str, ...] = ()
    #: Parameters whose members are properties of the resource itself.
    inner: tuple[str, ...] = ()
    #: The parameter that says which resource it is, where several requests make one.
    identity: str = ""

    def __call__(self, given: Properties) -> Iterator[Resource]:
        properties: Properties = {}
        for name, value in given.items():
            if name in self.dropped:
                continue
            value = json.loads(value) if name in self.documents else value
            if name in self.inner:
                properties |= value
            elif name == "TagSpecifications":
                properties["Tags"] = value[0]["Tags"]
            else:
                properties[self.renamed.get(name, name)] = value
        yield Resource(self.type, properties, str(given.get(self.identity, "")))


def _health_check(given: Properties) -> Iterator[Resource]:
    """Without `Disabled`, for which CloudFormation has no word."""
    config = {name: value for name, value in given["HealthCheckConfig"].items() if name != "Disabled"}
    yield Resource("AWS::Route53::HealthCheck", {"HealthCheckConfig": config})


def _attributes(kind: str, name: str, attributes: str) -> Translate:
    """Attributes of a load balancer or target group, whose name is in its ARN."""

    def translate(given: Properties) -> Iterator[Resource]:
        yield Resource(kind, {attributes: given["Attributes"]}, given[name].split("/")[-2])

    return translate


def _rules(kind: str) -> Translate:
    """Rules of a security group: one resource for each source."""

    sources = {
        "IpRanges": {"CidrIp": "CidrIp"},
        "Ipv6Ranges": {"CidrIpv6": "CidrIpv6"},
        "UserIdGroupPairs": {
            "GroupId": "SourceSecurityGroupId" if kind.endswith("Ingress") else "DestinationSecurityGroupId"
        },
        "PrefixListIds": {
            "PrefixListId": "SourcePrefixListId" if kind.endswith("Ingress") else "DestinationPrefixListId"
        },
    }

    def translate(given: Properties) -> Iterator[Resource]:
        for rule in given["IpPermissions"]:
            for sort, names in sources.items():
                for source in rule.get(sort, []):
                    own = {names[name]: value for name, value in source.items() if name in names}
                    if "Description" in source:
                        own["Description"] = source["Description"]
                    ports = {name: rule[name] for name in ("IpProtocol", "FromPort", "ToPort") if name in rule}
                    yield Resource(kind, {"GroupId": given["GroupId"], **ports, **own})

    return translate


def _bucket(given: Properties) -> Iterator[Resource]:
    yield Resource("AWS::S3::Bucket", {"BucketName": given["Bucket"]}, given["Bucket"])


def _bucket_part(parameter: str, translate: Callable[[Any], Properties]) -> Translate:
    def part(given: Properties) -> Iterator[Resource]:
        yield Resource("AWS::S3::Bucket", translate(given[parameter]), given["Bucket"])

    return part


def _encryption(value: Any) -> Properties:
    rules = []
    for rule in value["Rules"]:
        rule = dict(rule)
        rule["ServerSideEncryptionByDefault"] = rule.pop("ApplyServerSideEncryptionByDefault")
        rules.append(rule)
    return {"BucketEncryption": {"ServerSideEncryptionConfiguration": rules}}


def _access_log(value: Any) -> Properties:
    enabled = value["LoggingEnabled"]
    target = {"DestinationBucketName": enabled["TargetBucket"], "LogFilePrefix": enabled["TargetPrefix"]}
    return {"LoggingConfiguration": target}


def _lifecycle(value: Any) -> Properties:
    rules = []
    for rule in value["Rules"]:
        rule = dict(rule)
        expiration = rule.pop("Expiration", {})
        rule["Id"] = rule.pop("ID")
        rule["Prefix"] = rule.pop("Filter", {}).get("Prefix", "")
        if "Days" in expiration:
            rule["ExpirationInDays"] = expiration["Days"]
        if "ExpiredObjectDeleteMarker" in expiration:
            rule["ExpiredObjectDeleteMarker"] = expiration["ExpiredObjectDeleteMarker"]
        rules.append(rule)
    return {"LifecycleConfiguration": {"Rules": rules}}


def _attached(given: Properties) -> Iterator[Resource]:
    yield Resource("AWS::IAM::Role", {"ManagedPolicyArns": [given["PolicyArn"]]}, given["RoleName"])


def _profile_role(given: Properties) -> Iterator[Resource]:
    yield Resource("AWS::IAM::InstanceProfile", {"Roles": [given["RoleName"]]}, given["InstanceProfileName"])


def _topic(given: Properties) -> Iterator[Resource]:
    attributes = dict(given.get("Attributes", {}))
    policy = attributes.pop("Policy", None)
    tags = {"Tags": given["Tags"]} if "Tags" in given else {}
    yield Resource("AWS::SNS::Topic", {"TopicName": given["Name"], **attributes, **tags})
    if policy:
        yield from _topic_policy({"TopicArn": given["Name"], "AttributeName": "Policy", "AttributeValue": policy})


def _topic_policy(given: Properties) -> Iterator[Resource]:
    if given["AttributeName"] == "Policy":
        document = json.loads(given["AttributeValue"])
        yield Resource("AWS::SNS::TopicPolicy", {"Topics": [given["TopicArn"]], "PolicyDocument": document})


def _queue(given: Properties) -> Iterator[Resource]:
    """SQS takes numbers, truth values and documents as texts."""
    attributes = dict(given.get("Attributes", {}))
    policy = attributes.pop("Policy", None)
    properties: Properties = {"QueueName": given["QueueName"]}
    for name, value in attributes.items():
        properties[name] = value if name == "KmsMasterKeyId" else json.loads(value)
    if given.get("tags"):
        properties["Tags"] = [{"Key": key, "Value": value} for key, value in given["tags"].items()]
    yield Resource("AWS::SQS::Queue", properties)
    if policy:
        document = {"Queues": [given["QueueName"]], "PolicyDocument": json.loads(policy)}
        yield Resource("AWS::SQS::QueuePolicy", document)


def _flow_logs(given: Properties) -> Iterator[Resource]:
    rest = {
        name: value for name, value in given.items() if name not in ("ResourceIds", "TagSpecifications", "ClientToken")
    }
    for resource in given["ResourceIds"]:
        yield Resource(
            "AWS::EC2::FlowLog", {**rest, "ResourceId": resource, "Tags": given["TagSpecifications"][0]["Tags"]}
        )


def _parameters(kind: str, name: str, entries: str, properties: str) -> Translate:
    def translate(given: Properties) -> Iterator[Resource]:
        values = {entry["ParameterName"]: entry["ParameterValue"] for entry in given[entries]}
        yield Resource(kind, {properties: values}, given[name])

    return translate


def _records(given: Properties) -> Iterator[Resource]:
    for change in given["ChangeBatch"]["Changes"]:
        record = dict(change["ResourceRecordSet"])
        if "ResourceRecords" in record:
            record["ResourceRecords"] = [entry["Value"] for entry in record["ResourceRecords"]]
        if "TTL" in record:
            record["TTL"] = str(record["TTL"])
        yield Resource("AWS::Route53::RecordSet", {"HostedZoneId": given["HostedZoneId"], **record})


def _instance(given: Properties) -> Iterator[Resource]:
    rest = {
        name: value
        for name, value in given.items()
        # How many and how it is started is not said of one instance; metadata options come by way of a launch template.
        if name
        not in ("MinCount", "MaxCount", "ClientToken", "TagSpecifications", "NetworkInterfaces", "MetadataOptions")
    }
    devices = []
    for device in rest.pop("BlockDeviceMappings", []):
        ebs = {name: value for name, value in device.get("Ebs", {}).items() if name != "Throughput"}
        devices.append({**device, "Ebs": ebs})
    if "IamInstanceProfile" in rest:
        rest["IamInstanceProfile"] = (
            rest["IamInstanceProfile"].get("Arn", "").rsplit("/", 1)[-1] or rest["IamInstanceProfile"]["Name"]
        )
    if "MetadataOptions" in given:
        yield Resource(
            "AWS::EC2::LaunchTemplate", {"LaunchTemplateData": {"MetadataOptions": given["MetadataOptions"]}}
        )
    tags = {"Tags": given["TagSpecifications"][0]["Tags"]} if "TagSpecifications" in given else {}
    yield Resource("AWS::EC2::Instance", {**rest, "BlockDeviceMappings": devices, **tags})
    for interface in given.get("NetworkInterfaces", []):
        yield Resource("AWS::EC2::LaunchTemplate", {"LaunchTemplateData": {"NetworkInterfaces": [interface]}})


def _group(given: Properties) -> Iterator[Resource]:
    rest = {
        name: value for name, value in given.items() if name not in ("VPCZoneIdentifier", "Tags", "DefaultCooldown")
    }
    numbers: Properties = {
        name: str(rest.pop(name)) for name in ("MinSize", "MaxSize", "DesiredCapacity") if name in rest
    }
    tags = [{name: tag[name] for name in ("Key", "Value", "PropagateAtLaunch")} for tag in given.get("Tags", [])]
    yield Resource(
        "AWS::AutoScaling::AutoScalingGroup",
        {
            **rest,
            **numbers,
            "VPCZoneIdentifier": given["VPCZoneIdentifier"].split(","),
            "Cooldown": str(given.get("DefaultCooldown", 300)),
            "Tags": tags,
        },
        given["AutoScalingGroupName"],
    )


def _group_metrics(given: Properties) -> Iterator[Resource]:
    collection = [{"Granularity": given["Granularity"], "Metrics": given["Metrics"]}]
    kind = "AWS::AutoScaling::AutoScalingGroup"
    yield Resource(kind, {"MetricsCollection": collection}, given["AutoScalingGroupName"])


def _replication_group(given: Properties) -> Iterator[Resource]:
    yield Resource("AWS::ElastiCache::ReplicationGroup", dict(given))
    # Node types and versions are enumerated for a single cache only, and the same for both.
    same: Properties = {name: given[name] for name in ("CacheNodeType", "Engine", "EngineVersion") if name in given}
    yield Resource("AWS::ElastiCache::CacheCluster", {**same, "NumCacheNodes": 1})


def _plan(given: Properties) -> Iterator[Resource]:
    plan = dict(given["BackupPlan"])
    plan["BackupPlanRule"] = [
        {("TargetBackupVault" if name == "TargetBackupVaultName" else name): value for name, value in rule.items()}
        for rule in plan.pop("Rules")
    ]
    yield Resource("AWS::Backup::BackupPlan", {"BackupPlan": plan, "BackupPlanTags": given.get("BackupPlanTags", {})})


def _distribution(given: Properties) -> Iterator[Resource]:
    wrapped = given["DistributionConfigWithTags"]
    config = {name: value for name, value in wrapped["DistributionConfig"].items() if name != "CallerReference"}
    origins = []
    for origin in config["Origins"]["Items"]:
        origin = dict(origin)
        headers = origin.pop("CustomHeaders", {})
        origin["OriginCustomHeaders"] = headers.get("Items", [])
        origins.append(origin)
    config["Origins"] = origins
    config["IPV6Enabled"] = config.pop("IsIPV6Enabled")
    if "CustomErrorResponses" in config:
        # Empty means the error's own code and page: CloudFormation leaves them out.
        config["CustomErrorResponses"] = [
            {name: value for name, value in answer.items() if value != ""}
            for answer in config["CustomErrorResponses"].get("Items", [])
        ]
    yield Resource("AWS::CloudFront::Distribution", {"DistributionConfig": config, "Tags": wrapped["Tags"]["Items"]})


def _function(given: Properties) -> Iterator[Resource]:
    config = dict(given["FunctionConfig"])
    code = given["FunctionCode"]
    # cfn-lint has no runtime without a key-value store's list to compare with, so all of it is kept.
    yield Resource(
        "AWS::CloudFront::Function",
        {
            "Name": given["Name"],
            "FunctionConfig": config,
            "FunctionCode": code.decode() if isinstance(code, bytes) else str(code),
            "AutoPublish": True,
        },
    )


def _certificate(given: Properties) -> Iterator[Resource]:
    rest = {name: value for name, value in given.items() if name != "IdempotencyToken"}
    yield Resource("AWS::CertificateManager::Certificate", rest)


def _key(given: Properties) -> Iterator[Resource]:
    renamed = {"Policy": "KeyPolicy", "CustomerMasterKeySpec": "KeySpec"}
    properties = {renamed.get(name, name): value for name, value in given.items()}
    properties["KeyPolicy"] = json.loads(properties["KeyPolicy"])
    properties["Tags"] = [{"Key": tag["TagKey"], "Value": tag["TagValue"]} for tag in given.get("Tags", [])]
    # Switched on by the request that follows it (EnableKeyRotation), which names the key by its id alone.
    yield Resource("AWS::KMS::Key", {**properties, "EnableKeyRotation": True})


def _tag_list(properties: Mapping[str, str]) -> list[Properties]:
    return [{"Key": name, "Value": value} for name, value in properties.items()]


def _log_group(given: Properties) -> Iterator[Resource]:
    properties = {
        "LogGroupName": given["logGroupName"],
        "Tags": _tag_list(given.get("tags", {})),
        **{
            name: given[own]
            for own, name in {"kmsKeyId": "KmsKeyId", "logGroupClass": "LogGroupClass"}.items()
            if own in given
        },
    }
    yield Resource("AWS::Logs::LogGroup", properties, given["logGroupName"])


def _budget(given: Properties) -> Iterator[Resource]:
    budget = dict(given["Budget"])
    limit = budget.get("BudgetLimit")
    if limit:
        # A number in CloudFormation, a text in the API.
        budget["BudgetLimit"] = {**limit, "Amount": float(limit["Amount"])}
    tags = {"ResourceTags": given["ResourceTags"]} if "ResourceTags" in given else {}
    notified = given.get("NotificationsWithSubscribers", [])
    yield Resource("AWS::Budgets::Budget", {"Budget": budget, "NotificationsWithSubscribers": notified, **tags})


def _parameter(given: Properties) -> Iterator[Resource]:
    if given.get("Type") == "SecureString":
        return  # CloudFormation makes none
    rest = {name: value for name, value in given.items() if name not in ("Overwrite", "Tags", "KeyId")}
    tags = {"Tags": {tag["Key"]: tag["Value"] for tag in given["Tags"]}} if "Tags" in given else {}
    yield Resource("AWS::SSM::Parameter", {**rest, **tags})


def _zone(given: Properties) -> Iterator[Resource]:
    # Public zones: the flag has no property, a private one would have a VPC.
    config = (
        {"HostedZoneConfig": {"Comment": given["HostedZoneConfig"]["Comment"]}} if "HostedZoneConfig" in given else {}
    )
    yield Resource("AWS::Route53::HostedZone", {"Name": given["Name"], **config})


MAPPED: dict[str, Translate] = {
    "acm:RequestCertificate": _certificate,
    "autoscaling:CreateAutoScalingGroup": _group,
    "autoscaling:EnableMetricsCollection": _group_metrics,
    "autoscaling:PutLifecycleHook": Simple("AWS::AutoScaling::LifecycleHook"),
    "autoscaling:PutScalingPolicy": Simple("AWS::AutoScaling::ScalingPolicy", dropped=("PolicyName",)),
    "autoscaling:PutWarmPool": Simple("AWS::AutoScaling::WarmPool"),
    "backup:CreateBackupPlan": _plan,
    "backup:CreateBackupSelection": Simple(
        "AWS::Backup::BackupSelection", dropped=("backupPlanId", "CreatorRequestId")
    ),
    "backup:CreateBackupVault": Simple("AWS::Backup::BackupVault", dropped=("backupVaultName", "CreatorRequestId")),
    "budgets:CreateBudget": _budget,
    "cloudfront:CreateDistributionWithTags": _distribution,
    "cloudfront:CreateFunction": _function,
    "cloudfront:CreateOriginAccessControl": Simple("AWS::CloudFront::OriginAccessControl"),
    "cloudfront:CreateResponseHeadersPolicy": Simple("AWS::CloudFront::ResponseHeadersPolicy"),
    "cloudwatch:PutCompositeAlarm": Simple("AWS::CloudWatch::CompositeAlarm"),
    "cloudwatch:PutDashboard": Simple("AWS::CloudWatch::Dashboard"),
    "cloudwatch:PutMetricAlarm": Simple("AWS::CloudWatch::Alarm"),
    "ec2:AllocateAddress": Simple("AWS::EC2::EIP"),
    "ec2:AssociateRouteTable": Simple("AWS::EC2::SubnetRouteTableAssociation"),
    "ec2:AttachInternetGateway": Simple("AWS::EC2::VPCGatewayAttachment"),
    "ec2:AuthorizeSecurityGroupEgress": _rules("AWS::EC2::SecurityGroupEgress"),
    "ec2:AuthorizeSecurityGroupIngress": _rules("AWS::EC2::SecurityGroupIngress"),
    "ec2:CreateEgressOnlyInternetGateway": Simple("AWS::EC2::EgressOnlyInternetGateway", dropped=("ClientToken",)),
    "ec2:CreateFlowLogs": _flow_logs,
    "ec2:CreateInternetGateway": Simple("AWS::EC2::InternetGateway"),
    "ec2:CreateLaunchTemplate": Simple("AWS::EC2::LaunchTemplate", dropped=("ClientToken", "TagSpecifications")),
    "ec2:CreateNatGateway": Simple("AWS::EC2::NatGateway", dropped=("ClientToken",)),
    "ec2:CreateRoute": Simple("AWS::EC2::Route"),
    "ec2:CreateRouteTable": Simple("AWS::EC2::RouteTable", dropped=("ClientToken",)),
    "ec2:CreateSecurityGroup": Simple("AWS::EC2::SecurityGroup", renamed={"Description": "GroupDescription"}),
    "ec2:CreateSubnet": Simple("AWS::EC2::Subnet"),
    # The block of IPv6 is a resource of its own there, and this one boolean all that it says.
    "ec2:CreateVpc": Simple("AWS::EC2::VPC", dropped=("AmazonProvidedIpv6CidrBlock",)),
    "ec2:CreateVpcEndpoint": Simple("AWS::EC2::VPCEndpoint", dropped=("ClientToken",), documents=("PolicyDocument",)),
    "ec2:RunInstances": _instance,
    "elasticache:CreateCacheParameterGroup": Simple(
        "AWS::ElastiCache::ParameterGroup", dropped=("CacheParameterGroupName",), identity="CacheParameterGroupName"
    ),
    "elasticache:CreateCacheSubnetGroup": Simple(
        "AWS::ElastiCache::SubnetGroup", renamed={"CacheSubnetGroupDescription": "Description"}
    ),
    "elasticache:CreateReplicationGroup": _replication_group,
    "elasticache:ModifyCacheParameterGroup": _parameters(
        "AWS::ElastiCache::ParameterGroup", "CacheParameterGroupName", "ParameterNameValues", "Properties"
    ),
    "elbv2:CreateListener": Simple("AWS::ElasticLoadBalancingV2::Listener", dropped=("Tags",)),
    "elbv2:CreateLoadBalancer": Simple("AWS::ElasticLoadBalancingV2::LoadBalancer", identity="Name"),
    "elbv2:CreateTargetGroup": Simple("AWS::ElasticLoadBalancingV2::TargetGroup", identity="Name"),
    "elbv2:ModifyLoadBalancerAttributes": _attributes(
        "AWS::ElasticLoadBalancingV2::LoadBalancer", "LoadBalancerArn", "LoadBalancerAttributes"
    ),
    "elbv2:ModifyTargetGroupAttributes": _attributes(
        "AWS::ElasticLoadBalancingV2::TargetGroup", "TargetGroupArn", "TargetGroupAttributes"
    ),
    "iam:AddRoleToInstanceProfile": _profile_role,
    "iam:AttachRolePolicy": _attached,
    "iam:CreateInstanceProfile": Simple("AWS::IAM::InstanceProfile", dropped=("Tags",), identity="InstanceProfileName"),
    "iam:CreateOpenIDConnectProvider": Simple("AWS::IAM::OIDCProvider"),
    "iam:CreatePolicy": Simple(
        "AWS::IAM::ManagedPolicy",
        renamed={"PolicyName": "ManagedPolicyName"},
        documents=("PolicyDocument",),
        dropped=("Tags",),
    ),
    "iam:CreateRole": Simple("AWS::IAM::Role", documents=("AssumeRolePolicyDocument",), identity="RoleName"),
    "iam:PutRolePolicy": Simple("AWS::IAM::RolePolicy", documents=("PolicyDocument",)),
    "kms:CreateAlias": Simple("AWS::KMS::Alias"),
    "kms:CreateKey": _key,
    "logs:CreateLogGroup": _log_group,
    "logs:PutMetricFilter": Simple("AWS::Logs::MetricFilter"),
    "logs:PutRetentionPolicy": Simple("AWS::Logs::LogGroup", identity="logGroupName"),
    "rds:CreateEventSubscription": Simple("AWS::RDS::EventSubscription"),
    "rds:CreateDBInstance": Simple("AWS::RDS::DBInstance", renamed={"VpcSecurityGroupIds": "VPCSecurityGroups"}),
    "rds:CreateDBParameterGroup": Simple(
        "AWS::RDS::DBParameterGroup", renamed={"DBParameterGroupFamily": "Family"}, identity="DBParameterGroupName"
    ),
    "rds:CreateDBSubnetGroup": Simple("AWS::RDS::DBSubnetGroup"),
    "rds:ModifyDBParameterGroup": _parameters(
        "AWS::RDS::DBParameterGroup", "DBParameterGroupName", "Parameters", "Parameters"
    ),
    "route53:ChangeResourceRecordSets": _records,
    "route53:CreateHealthCheck": _health_check,
    "route53:CreateHostedZone": _zone,
    "s3:CreateBucket": _bucket,
    "s3:PutBucketEncryption": _bucket_part("ServerSideEncryptionConfiguration", _encryption),
    "s3:PutBucketLifecycleConfiguration": _bucket_part("LifecycleConfiguration", _lifecycle),
    "s3:PutBucketLogging": _bucket_part("BucketLoggingStatus", _access_log),
    "s3:PutBucketOwnershipControls": _bucket_part("OwnershipControls", lambda value: {"OwnershipControls": value}),
    "s3:PutBucketPolicy": Simple("AWS::S3::BucketPolicy", documents=("Policy",), renamed={"Policy": "PolicyDocument"}),
    "s3:PutBucketTagging": _bucket_part("Tagging", lambda value: {"Tags": value["TagSet"]}),
    "s3:PutBucketVersioning": _bucket_part("VersioningConfiguration", lambda value: {"VersioningConfiguration": value}),
    "s3:PutPublicAccessBlock": _bucket_part(
        "PublicAccessBlockConfiguration", lambda value: {"PublicAccessBlockConfiguration": value}
    ),
    "secretsmanager:CreateSecret": Simple("AWS::SecretsManager::Secret", dropped=("ClientRequestToken",)),
    "sns:CreateTopic": _topic,
    "sns:SetTopicAttributes": _topic_policy,
    "sqs:CreateQueue": _queue,
    "sns:Subscribe": Simple("AWS::SNS::Subscription", inner=("Attributes",), dropped=("ReturnSubscriptionArn",)),
    "ssm:PutParameter": _parameter,
    "wafv2:AssociateWebACL": Simple("AWS::WAFv2::WebACLAssociation"),
    "wafv2:CreateWebACL": Simple("AWS::WAFv2::WebACL"),
    "wafv2:PutLoggingConfiguration": Simple("AWS::WAFv2::LoggingConfiguration", inner=("LoggingConfiguration",)),
    "xray:CreateGroup": Simple("AWS::XRay::Group"),
    "xray:CreateSamplingRule": Simple("AWS::XRay::SamplingRule"),
}

#: Writing operations that are compared with the service model alone, and why CloudFormation has nothing to add.
UNMAPPED: dict[str, str] = {
    "autoscaling:PutScheduledUpdateGroupAction": "numbers and a cron expression, which the module checks",
    "autoscaling:StartInstanceRefresh": "no resource: a refresh passes, and the module checks its numbers",
    "cloudfront:CreateInvalidation": "no resource: an invalidation passes",
    "cloudfront:PublishFunction": "an id and a version: AutoPublish of the function",
    "ec2:CreateImage": "CloudFormation makes no images",
    "ec2:CreateTags": "tags of any resource: checked by `tag_limits`",
    "ec2:ModifyInstanceAttribute": "ids of security groups that RunInstances was already given",
    "ec2:ModifySubnetAttribute": "one boolean, by the id of the subnet",
    "ec2:ModifyVpcAttribute": "one boolean, by the id of the VPC",
    "ec2:RevokeSecurityGroupEgress": "takes away the rule that every new group has",
    "ec2:TerminateInstances": "an id",
    "elbv2:AddTags": "tags of any resource: checked by `tag_limits`",
    "kms:EnableKeyRotation": "an id; the period of rotation is AWS's own",
    "logs:CreateDelivery": "a source and a destination, by name and ARN",
    "logs:PutDeliveryDestination": "a name, a format and the ARN of a bucket",
    "logs:PutDeliverySource": "a name, a type of log and the ARN of a distribution",
    "route53:ChangeTagsForResource": "tags of any resource: checked by `tag_limits`",
    "s3:CompleteMultipartUpload": "an object",
    "s3:CreateMultipartUpload": "an object",
    "s3:PutObject": "an object",
    "s3:UploadPart": "an object",
    "ssm:DeleteParameter": "a name: the lock that a run gives back",
}
#: Part of every request to S3, of no bucket.
_OF_THE_REQUEST = ("ChecksumAlgorithm", "ContentMD5", "ExpectedBucketOwner")


def _merge(there: Properties, more: Properties) -> None:
    for name, value in more.items():
        if isinstance(value, list) and isinstance(there.get(name), list):
            there[name] = [*there[name], *value]
        else:
            there[name] = value


def _fit(schema: Mapping[str, Any], node: Mapping[str, Any], value: Any) -> Any:
    """A value with the schema's spelling of its members, and lists without CloudFront's wrapping."""
    while "$ref" in node:
        node = schema["definitions"][node["$ref"].rsplit("/", 1)[-1]]
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, dict) and set(value) <= {"Quantity", "Items", "Enabled"} and "Quantity" in value:
        items = value.get("Items", [])
        value = {"Items": items} if "Items" in node.get("properties", {}) else items
    if isinstance(value, list):
        return [_fit(schema, node.get("items", {}), entry) for entry in value]
    if isinstance(value, dict):
        known = {name.lower(): (name, below) for name, below in _members(schema, node)}
        fitted = {}
        for name, member in value.items():
            right, below = known.get(name.lower(), (name, {}))
            fitted[right] = _fit(schema, below, member)
        return fitted
    return value


def _members(schema: Mapping[str, Any], node: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from node.get("properties", {}).items()
    for kind in ("oneOf", "anyOf", "allOf"):
        for branch in node.get(kind, []):
            while "$ref" in branch:
                branch = schema["definitions"][branch["$ref"].rsplit("/", 1)[-1]]
            yield from branch.get("properties", {}).items()


def _spread_methods(value: Any) -> Any:
    """CloudFront keeps the cached methods inside the allowed ones; CloudFormation beside them."""
    if isinstance(value, list):
        return [_spread_methods(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    spread = {name: _spread_methods(member) for name, member in value.items()}
    allowed = spread.get("AllowedMethods")
    if isinstance(allowed, dict):
        spread["CachedMethods"] = allowed.pop("CachedMethods", {"Quantity": 0})
    return spread


def template(calls: Iterable[Call]) -> Properties:
    """The resources that the requests made, as a CloudFormation template."""
    resources: dict[str, Properties] = {}
    for number, call in enumerate(calls):
        translate = MAPPED.get(call.name)
        # Two values of the run's own lock would be two resources of one name.
        if translate is None or str(call.parameters.get("Name")).startswith("/slipway-run-lock/"):
            continue
        given = {name: value for name, value in call.parameters.items() if name not in _OF_THE_REQUEST}
        for place, resource in enumerate(translate(given)):
            schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(call.region, resource.type).schema
            properties = _fit(schema, schema, _spread_methods(resource.properties))
            letters = "".join(letter for letter in resource.type.removeprefix("AWS::") if letter.isalnum())
            own = "".join(letter for letter in resource.identity if letter.isalnum())
            key = f"{letters}{own}" if resource.identity else f"{letters}{number}x{place}"
            if key in resources:
                _merge(resources[key]["Properties"], properties)
            else:
                resources[key] = {"Type": resource.type, "Properties": properties}
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}


#: cfn-lint's rules about templates as such. A rendering of requests has ids where a template has references, and a
#: password that a person would not write down.
_ABOUT_TEMPLATES = {
    "E3010": "500 resources a template",
    "W1011": "a secret as text: the request has to carry it",
    "W2501": "a password as text: the request has to carry it",
    "I3011": "deletion policies of a template",
    "I3013": "update policies of a template",
    "I3042": "ARNs with a partition written out",
    "W3010": "a zone written out: slipway_zones is where that is decided",
    "I1002": "size of the template",
    "I1003": "size of the template",
    "I3010": "number of resources",
}


#: Objections that do not hold, and why: rule -> (beginning of the message, reason).
EXCEPTIONS: dict[str, tuple[str, str]] = {
    "W3691": (
        "Engine version '17' for engine 'postgres'",
        "a major version alone is allowed and means RDS's default minor version (docs.aws.amazon.com/AmazonRDS/latest/"
        "APIReference/API_CreateDBInstance.html); cfn-lint compares with a list of minor versions",
    ),
}


@dataclass(frozen=True)
class Finding:
    """One objection of cfn-lint: the rule, its words and the resource."""

    rule: str
    message: str
    resource: str

    def __str__(self) -> str:
        return f"{self.rule} {self.resource}: {self.message}"


def findings(calls: Iterable[Call], region: str) -> list[Finding]:
    """What cfn-lint says against the requests of one region."""
    rendered = template(call for call in calls if call.region == region)
    if not rendered["Resources"]:
        return []
    options = ManualArgs(
        regions=[region],
        ignore_checks=list(_ABOUT_TEMPLATES),
        include_checks=["I"],
    )
    text = json.dumps(rendered, default=str, indent=0)
    found = [
        Finding(match.rule.id, match.message, "/".join(str(part) for part in list(match.path or [])[1:]))
        for match in lint(text, regions=[region], config=options)
    ]
    return [one for one in found if not (one.rule in EXCEPTIONS and one.message.startswith(EXCEPTIONS[one.rule][0]))]
