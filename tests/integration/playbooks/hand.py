"""Changes that somebody makes by hand to a stack, beside Slipway: one per kind of carelessness, over every layer."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .account import Account

NAME = "slipway-rehearsal"
BUCKETS = f"{NAME}-123456789012"
EDGE = "us-east-1"
EVIL = "arn:aws:iam::999999999999:root"

Deed = Callable[[Account], Any]


@dataclass(frozen=True)
class Change:
    """What was done, and where it has to be found: (type of the resource, field) of everything that differs by it."""

    name: str
    layer: str
    deed: Deed
    found: frozenset[tuple[str, str]]
    #: What is still another way when a run has put back what its layers look after.
    remains: frozenset[tuple[str, str]]
    #: Whether nobody looks after it, so that it goes on to be named.
    left: bool

    def __str__(self) -> str:
        return self.name


CHANGES: list[Change] = []


def change(
    layer: str, kind: str, *fields: str, left: bool = False, remains: Sequence[str] = ()
) -> Callable[[Deed], Deed]:
    """Enter a deed: it changes `fields` of a resource of a kind. `left`: no run puts it back."""
    found = frozenset((f"AWS::{kind}", field) for field in fields)
    still = found if left else frozenset((f"AWS::{kind}", field) for field in remains)

    def enter(deed: Deed) -> Deed:
        CHANGES.append(Change(deed.__name__.replace("_", " "), layer, deed, found, still, left))
        return deed

    return enter


# -- where things are ------------------------------------------------------------------------------------------------


def _vpc(account: Account) -> str:
    named = [{"Name": "tag:Name", "Values": [NAME]}]
    return str(account.client("ec2").describe_vpcs(Filters=named)["Vpcs"][0]["VpcId"])


def _in_vpc(account: Account, operation: str, items: str, **tags: str) -> list[Any]:
    filters = [{"Name": "vpc-id", "Values": [_vpc(account)]}]
    filters += [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    found: list[Any] = getattr(account.client("ec2"), operation)(Filters=filters)[items]
    return found


def _group(account: Account, name: str) -> str:
    groups = _in_vpc(account, "describe_security_groups", "SecurityGroups")
    return str(next(one["GroupId"] for one in groups if one["GroupName"] == name))


def _balancer(account: Account) -> str:
    found = account.client("elbv2").describe_load_balancers(Names=[NAME])["LoadBalancers"]
    return str(found[0]["LoadBalancerArn"])


def _listener(account: Account, port: int) -> Any:
    found = account.client("elbv2").describe_listeners(LoadBalancerArn=_balancer(account))["Listeners"]
    return next(one for one in found if one["Port"] == port)


def _targets(account: Account) -> str:
    found = account.client("elbv2").describe_target_groups(Names=[f"{NAME}-web"])["TargetGroups"]
    return str(found[0]["TargetGroupArn"])


def _key(account: Account, name: str) -> str:
    return str(account.client("kms").describe_key(KeyId=f"alias/{NAME}-{name}")["KeyMetadata"]["KeyId"])


def _anybody(action: str, resource: str) -> str:
    statement = {"Sid": "Evil", "Effect": "Allow", "Principal": {"AWS": EVIL}, "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


# -- network ---------------------------------------------------------------------------------------------------------


@change("network", "EC2::RouteTable", "Routes.0.0.0.0/0.GatewayId", "Routes.0.0.0.0/0.NatGatewayId")
def a_route_replaced(account: Account) -> None:
    table = _in_vpc(account, "describe_route_tables", "RouteTables", Tier="application")[0]["RouteTableId"]
    gateway = account.client("ec2").describe_internet_gateways()["InternetGateways"][0]["InternetGatewayId"]
    account.client("ec2").replace_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)


@change("network", "EC2::RouteTable", "Routes.203.0.113.0/24")
def a_route_added(account: Account) -> None:
    table = _in_vpc(account, "describe_route_tables", "RouteTables", Tier="data")[0]["RouteTableId"]
    gateway = account.client("ec2").describe_internet_gateways()["InternetGateways"][0]["InternetGatewayId"]
    account.client("ec2").create_route(RouteTableId=table, DestinationCidrBlock="203.0.113.0/24", GatewayId=gateway)


@change("network", "EC2::Subnet", "MapPublicIpOnLaunch")
def a_subnet_made_public(account: Account) -> None:
    subnet = _in_vpc(account, "describe_subnets", "Subnets", Tier="application")[0]["SubnetId"]
    account.client("ec2").modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})


@change("network", "EC2::VPCEndpoint", "PolicyDocument.Statement", "PolicyDocument.Version")
def an_endpoints_policy_narrowed(account: Account) -> None:
    endpoint = _in_vpc(account, "describe_vpc_endpoints", "VpcEndpoints")[0]["VpcEndpointId"]
    policy = _anybody("s3:GetObject", "*")
    account.client("ec2").modify_vpc_endpoint(VpcEndpointId=endpoint, PolicyDocument=policy)


@change("network", "EC2::SecurityGroup", "IpPermissionsEgress")
def a_way_out_of_the_database(account: Account) -> None:
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    group = _group(account, f"{NAME}-database")
    account.client("ec2").authorize_security_group_egress(GroupId=group, IpPermissions=[rule])


@change("network", "EC2::SecurityGroup", "IpPermissions")
def a_rule_in_the_default_group(account: Account) -> None:
    rule = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    group = _group(account, "default")
    account.client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])


@change("network", "EC2::NatGateway", "Tags.Environment")
def a_tag_removed(account: Account) -> None:
    gateway = account.client("ec2").describe_nat_gateways()["NatGateways"][0]["NatGatewayId"]
    account.client("ec2").delete_tags(Resources=[gateway], Tags=[{"Key": "Environment"}])


@change("network", "EC2::NetworkAcl", "Entries", left=True)
def a_network_closed(account: Account) -> None:
    acl = _in_vpc(account, "describe_network_acls", "NetworkAcls")[0]["NetworkAclId"]
    account.client("ec2").create_network_acl_entry(
        NetworkAclId=acl,
        RuleNumber=50,
        Protocol="6",
        RuleAction="deny",
        Egress=False,
        CidrBlock="10.20.0.0/16",
        PortRange={"From": 5432, "To": 5432},
    )


# -- balancer --------------------------------------------------------------------------------------------------------


@change("balancer", "ElasticLoadBalancingV2::Listener", "Rules")
def a_rule_before_the_others(account: Account) -> None:
    account.client("elbv2").create_rule(
        ListenerArn=_listener(account, 443)["ListenerArn"],
        Conditions=[{"Field": "path-pattern", "Values": ["/api/*"]}],
        Priority=1,
        Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503", "ContentType": "text/plain"}}],
    )


@change("balancer", "ElasticLoadBalancingV2::Listener", "SslPolicy")
def an_old_tls(account: Account) -> None:
    listener = _listener(account, 443)["ListenerArn"]
    account.client("elbv2").modify_listener(ListenerArn=listener, SslPolicy="ELBSecurityPolicy-2016-08")


@change("balancer", "ElasticLoadBalancingV2::TargetGroup", "Attributes.deregistration_delay.timeout_seconds")
def a_target_group_without_patience(account: Account) -> None:
    slow = {"Key": "deregistration_delay.timeout_seconds", "Value": "0"}
    account.client("elbv2").modify_target_group_attributes(TargetGroupArn=_targets(account), Attributes=[slow])


@change("balancer", "ElasticLoadBalancingV2::LoadBalancer", "SecurityGroups")
def another_group_of_the_balancer(account: Account) -> None:
    groups = [_group(account, f"{NAME}-balancer"), _group(account, "default")]
    account.client("elbv2").set_security_groups(LoadBalancerArn=_balancer(account), SecurityGroups=groups)


# -- firewall --------------------------------------------------------------------------------------------------------


def _update_acl(account: Account, scope: str, region: str, alter: Callable[[list[Any]], None]) -> None:
    waf = account.client("wafv2", region)
    one = next(acl for acl in waf.list_web_acls(Scope=scope)["WebACLs"] if acl["Name"] == NAME)
    which = {"Name": one["Name"], "Id": one["Id"], "Scope": scope}
    got = waf.get_web_acl(**which)
    acl = got["WebACL"]
    alter(acl["Rules"])
    waf.update_web_acl(
        **which, LockToken=got["LockToken"], DefaultAction=acl["DefaultAction"], Rules=acl["Rules"],
        VisibilityConfig=acl["VisibilityConfig"], Description=acl["Description"],
    )  # fmt: skip


@change("firewall", "WAFv2::WebACL", "WebACL.Rules.limit.Action.Block", "WebACL.Rules.limit.Action.Count")
def a_rule_that_only_counts(account: Account) -> None:
    def count(rules: list[Any]) -> None:
        next(rule for rule in rules if rule["Name"] == "limit")["Action"] = {"Count": {}}

    _update_acl(account, "REGIONAL", "eu-west-1", count)


@change("firewall", "WAFv2::WebACL", "WebACL.Rules.AWSManagedRulesSQLiRuleSet")
def a_rule_removed(account: Account) -> None:
    _update_acl(account, "CLOUDFRONT", EDGE, lambda rules: rules.pop())


@change("firewall", "WAFv2::WebACL", "Logging")
def decisions_no_longer_written_down(account: Account) -> None:
    waf = account.client("wafv2", EDGE)
    arn = waf.list_web_acls(Scope="CLOUDFRONT")["WebACLs"][0]["ARN"]
    waf.delete_logging_configuration(ResourceArn=arn)


@change("firewall", "WAFv2::WebACL", "Protects")
def a_balancer_without_its_firewall(account: Account) -> None:
    account.client("wafv2").disassociate_web_acl(ResourceArn=_balancer(account))


# -- storage ---------------------------------------------------------------------------------------------------------


@change("storage", "S3::BucketPolicy", "Policy.Statement.Evil")
def a_bucket_given_to_another_account(account: Account) -> None:
    s3 = account.client("s3")
    bucket = f"{BUCKETS}-releases"
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    policy["Statement"] += json.loads(_anybody("s3:GetObject", f"arn:aws:s3:::{bucket}/*"))["Statement"]
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


@change("storage", "S3::Bucket", "Lifecycle")
def a_lifecycle_removed(account: Account) -> None:
    account.client("s3").delete_bucket_lifecycle(Bucket=f"{BUCKETS}-logs")


@change("storage", "S3::Bucket", "Lifecycle.expire.NoncurrentVersionExpiration.NoncurrentDays")
def old_versions_kept_shorter(account: Account) -> None:
    s3 = account.client("s3")
    bucket = f"{BUCKETS}-releases"
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    rules[0]["NoncurrentVersionExpiration"]["NoncurrentDays"] = 1
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})


@change("storage", "S3::Bucket", "Cors", left=True)
def a_bucket_that_every_page_may_read(account: Account) -> None:
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
    account.client("s3").put_bucket_cors(Bucket=f"{BUCKETS}-frontend", CORSConfiguration={"CORSRules": [rule]})


@change("storage", "S3::Bucket", "Replication", left=True)
def a_bucket_copied_elsewhere(account: Account) -> None:
    s3 = account.client("s3")
    s3.create_bucket(Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_versioning(Bucket="elsewhere", VersioningConfiguration={"Status": "Enabled"})
    rule = {
        "Status": "Enabled",
        "Priority": 1,
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": "arn:aws:s3:::elsewhere"},
    }
    copy = {"Role": "arn:aws:iam::123456789012:role/copier", "Rules": [rule]}
    s3.put_bucket_replication(Bucket=f"{BUCKETS}-logs", ReplicationConfiguration=copy)


@change("storage", "S3::Bucket", "Inventories", left=True)
def lists_of_a_buckets_objects_sent_elsewhere(account: Account) -> None:
    elsewhere = {"S3BucketDestination": {"Bucket": "arn:aws:s3:::elsewhere", "Format": "CSV"}}
    lists = {
        "Id": "evil",
        "IsEnabled": True,
        "Destination": elsewhere,
        "IncludedObjectVersions": "All",
        "Schedule": {"Frequency": "Daily"},
    }
    account.client("s3").put_bucket_inventory_configuration(
        Bucket=f"{BUCKETS}-releases", Id="evil", InventoryConfiguration=lists
    )


# -- encryption, identity, secrets, parameters -----------------------------------------------------------------------


@change("encryption", "KMS::Key", "Policy.Statement.Evil")
def a_key_given_to_another_account(account: Account) -> None:
    kms = account.client("kms")
    key = _key(account, "data")
    policy = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    policy["Statement"] += json.loads(_anybody("kms:Decrypt", "*"))["Statement"]
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))


@change("encryption", "KMS::Key", "Key.Enabled", "Key.KeyState")
def a_key_disabled(account: Account) -> None:
    account.client("kms").disable_key(KeyId=_key(account, "logs"))


@change("identity", "IAM::Role", "Attached")
def a_policy_attached(account: Account) -> None:
    policy = "arn:aws:iam::aws:policy/AdministratorAccess"
    account.client("iam").attach_role_policy(RoleName=f"{NAME}-web", PolicyArn=policy)


@change("identity", "IAM::Role", "Policies.more")
def a_policy_written_into_a_role(account: Account) -> None:
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    account.client("iam").put_role_policy(
        RoleName=f"{NAME}-builder", PolicyName="more", PolicyDocument=json.dumps(everything)
    )


@change("identity", "IAM::Role", "Policies.application.Statement.More")
def a_policy_widened(account: Account) -> None:
    iam = account.client("iam")
    which = {"RoleName": f"{NAME}-web", "PolicyName": "application"}
    document = iam.get_role_policy(**which)["PolicyDocument"]
    document["Statement"].append({"Sid": "More", "Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    iam.put_role_policy(**which, PolicyDocument=json.dumps(document))


@change(
    "identity",
    "IAM::Role",
    "Role.AssumeRolePolicyDocument.Statement[].Principal.AWS",
    "Role.AssumeRolePolicyDocument.Statement[].Principal.Service",
)
def a_role_that_another_account_may_take(account: Account) -> None:
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": EVIL}, "Action": "sts:AssumeRole"},
    ]}  # fmt: skip
    account.client("iam").update_assume_role_policy(RoleName=f"{NAME}-builder", PolicyDocument=json.dumps(trust))


@change("secrets", "SecretsManager::Secret", "ResourcePolicy")
def a_secret_given_to_another_account(account: Account) -> None:
    policy = _anybody("secretsmanager:GetSecretValue", "*")
    account.client("secretsmanager").put_resource_policy(SecretId=f"{NAME}/database", ResourcePolicy=policy)


# A run takes it over: whoever rotates a secret means it.
@change("secrets", "SecretsManager::Secret", "CurrentVersion", remains=["CurrentVersion"])
def another_secret(account: Account) -> None:
    account.client("secretsmanager").put_secret_value(SecretId=f"{NAME}/django", SecretString='{"secret_key": "mine"}')


@change("parameters", "SSM::Parameter", "Value")
def a_parameter_changed(account: Account) -> None:
    account.client("ssm").put_parameter(Name=f"/{NAME}/application/DATABASE_PORT", Value="5433", Overwrite=True)


@change("parameters", "SSM::Parameter", "")
def a_parameter_added(account: Account) -> None:
    account.client("ssm").put_parameter(Name=f"/{NAME}/application/DJANGO_DEBUG", Value="1", Type="String")


# -- data ------------------------------------------------------------------------------------------------------------


@change("database", "RDS::DBInstance", "PubliclyAccessible")
def a_public_database(account: Account) -> None:
    account.client("rds").modify_db_instance(DBInstanceIdentifier=NAME, PubliclyAccessible=True, ApplyImmediately=True)


@change("database", "RDS::DBInstance", "SharedSnapshots.mine", left=True)
def a_snapshot_that_another_account_may_restore(account: Account) -> None:
    rds = account.client("rds")
    rds.create_db_snapshot(DBInstanceIdentifier=NAME, DBSnapshotIdentifier="mine")
    rds.modify_db_snapshot_attribute(DBSnapshotIdentifier="mine", AttributeName="restore", ValuesToAdd=["999999999999"])


@change("database", "RDS::DBInstance", "IAMDatabaseAuthenticationEnabled")
def another_way_into_the_database(account: Account) -> None:
    rds = account.client("rds")
    rds.modify_db_instance(DBInstanceIdentifier=NAME, EnableIAMDatabaseAuthentication=True, ApplyImmediately=True)


@change("database", "RDS::DBParameterGroup", "Parameters.log_lock_waits.ParameterValue")
def a_databases_parameter(account: Account) -> None:
    rds = account.client("rds")
    parameter = {"ParameterName": "log_lock_waits", "ParameterValue": "0", "ApplyMethod": "immediate"}
    name = rds.describe_db_instances(DBInstanceIdentifier=NAME)["DBInstances"][0]["DBParameterGroups"][0]
    rds.modify_db_parameter_group(DBParameterGroupName=name["DBParameterGroupName"], Parameters=[parameter])


@change("cache", "ElastiCache::ParameterGroup", "Parameters.maxmemory-policy.ParameterValue")
def a_caches_parameter(account: Account) -> None:
    cache = account.client("elasticache")
    groups = cache.describe_cache_parameter_groups()["CacheParameterGroups"]
    name = next(one["CacheParameterGroupName"] for one in groups if one["CacheParameterGroupName"].startswith(NAME))
    parameter = {"ParameterName": "maxmemory-policy", "ParameterValue": "noeviction"}
    cache.modify_cache_parameter_group(CacheParameterGroupName=name, ParameterNameValues=[parameter])


@change("queue", "SQS::Queue", "RedrivePolicy.maxReceiveCount")
def a_redrive_policy(account: Account) -> None:
    sqs = account.client("sqs")
    url = sqs.get_queue_url(QueueName=f"{NAME}-tasks")["QueueUrl"]
    current = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]["RedrivePolicy"]
    policy = json.dumps({**json.loads(current), "maxReceiveCount": 999})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy})


# -- dns and edge ----------------------------------------------------------------------------------------------------


@change("edge", "CloudFront::Distribution", "Config.CacheBehaviors.Items[].Compress")
def a_behaviour_of_the_edge(account: Account) -> None:
    edge = account.client("cloudfront", EDGE)
    distribution = edge.list_distributions()["DistributionList"]["Items"][0]["Id"]
    current = edge.get_distribution_config(Id=distribution)
    config = current["DistributionConfig"]
    config["CacheBehaviors"]["Items"][0]["Compress"] = not config["CacheBehaviors"]["Items"][0]["Compress"]
    edge.update_distribution(Id=distribution, IfMatch=current["ETag"], DistributionConfig=config)


@change("edge", "Route53::HealthCheck", "HealthCheckConfig.FailureThreshold")
def a_health_check_that_waits(account: Account) -> None:
    route53 = account.client("route53")
    check = route53.list_health_checks()["HealthChecks"][0]["Id"]
    route53.update_health_check(HealthCheckId=check, FailureThreshold=9)


@change("edge", "Route53::HealthCheck", "HealthCheckConfig.Disabled")
def a_health_check_that_looks_at_nothing(account: Account) -> None:
    route53 = account.client("route53")
    check = route53.list_health_checks()["HealthChecks"][0]["Id"]
    route53.update_health_check(HealthCheckId=check, Disabled=True)


@change("edge", "CloudFront::Distribution", "Config.Aliases.Items", "Config.Aliases.Quantity")
def a_distribution_without_its_name(account: Account) -> None:
    edge = account.client("cloudfront", EDGE)
    distribution = edge.list_distributions()["DistributionList"]["Items"][0]["Id"]
    current = edge.get_distribution_config(Id=distribution)
    config = current["DistributionConfig"]
    config["Aliases"] = {"Quantity": 0}
    edge.update_distribution(Id=distribution, IfMatch=current["ETag"], DistributionConfig=config)


@change("edge", "Route53::RecordSet", "AliasTarget.DNSName")
def a_record_that_points_elsewhere(account: Account) -> None:
    _upsert(account, "app.", "AAAA", AliasTarget={
        "HostedZoneId": "Z2FDTNDATAQYW2", "DNSName": "d000000000000.cloudfront.net.", "EvaluateTargetHealth": False,
    })  # fmt: skip


@change("dns", "Route53::RecordSet", "TTL")
def a_records_time_to_live(account: Account) -> None:
    route53 = account.client("route53")
    zone = route53.list_hosted_zones()["HostedZones"][0]["Id"]
    records = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    record = next(one for one in records if one["Type"] == "CNAME")
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": {**record, "TTL": 86400}}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)


def _upsert(account: Account, start: str, kind: str, **what: Any) -> None:
    route53 = account.client("route53")
    zone = route53.list_hosted_zones()["HostedZones"][0]["Id"]
    records = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    name = next(one["Name"] for one in records if one["Name"].startswith(start) and one["Type"] == kind)
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": {"Name": name, "Type": kind, **what}}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)


# -- what watches ----------------------------------------------------------------------------------------------------


@change("alarms", "CloudWatch::Alarm", "Threshold")
def an_alarms_threshold(account: Account) -> None:
    watch = account.client("cloudwatch")
    alarm = watch.describe_alarms(AlarmNames=[f"{NAME}/latency"])["MetricAlarms"][0]
    kept = (
        "AlarmName", "AlarmDescription", "ActionsEnabled", "OKActions", "AlarmActions", "Namespace", "MetricName",
        "Dimensions", "Statistic", "ExtendedStatistic", "Period", "Unit", "EvaluationPeriods", "DatapointsToAlarm",
        "ComparisonOperator", "TreatMissingData", "InsufficientDataActions", "EvaluateLowSampleCountPercentile",
    )  # fmt: skip
    watch.put_metric_alarm(**{name: alarm[name] for name in kept if alarm.get(name) is not None}, Threshold=9999)


@change("alarms", "CloudWatch::Dashboard", "Body.periodOverride", "Body.widgets")
def an_empty_dashboard(account: Account) -> None:
    account.client("cloudwatch").put_dashboard(DashboardName=NAME, DashboardBody=json.dumps({"widgets": []}))


@change("alerts", "SNS::Topic", "Attributes.Policy.Statement.Evil")
def a_topic_that_anybody_may_write_to(account: Account) -> None:
    sns = account.client("sns", EDGE)
    topic = next(one["TopicArn"] for one in sns.list_topics()["Topics"])
    got = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
    got["Statement"] += json.loads(_anybody("sns:Publish", topic))["Statement"]
    policy = json.dumps(got)
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)


@change("logs", "Logs::LogGroup", "retentionInDays")
def lines_kept_forever(account: Account) -> None:
    account.client("logs").delete_retention_policy(logGroupName=f"/{NAME}/nginx")


@change("logs", "Logs::LogGroup", "SubscriptionFilters", left=True)
def lines_sent_elsewhere(account: Account) -> None:
    logs, region = account.client("logs"), "eu-west-1"
    account.client("kinesis").create_stream(StreamName="elsewhere", ShardCount=1)
    logs.put_subscription_filter(
        logGroupName=f"/{NAME}/application",
        filterName="elsewhere",
        filterPattern="",
        destinationArn=f"arn:aws:kinesis:{region}:123456789012:stream/elsewhere",
    )


@change("logs", "Logs::LogGroup", "MetricFilters")
def errors_no_longer_counted(account: Account) -> None:
    logs = account.client("logs")
    one = next(
        one for one in logs.describe_metric_filters()["metricFilters"] if one["logGroupName"].startswith(f"/{NAME}")
    )
    logs.delete_metric_filter(logGroupName=one["logGroupName"], filterName=one["filterName"])


@change("logs", "EC2::FlowLog", "", remains=[""])
def no_flow_log(account: Account) -> None:
    ec2 = account.client("ec2")
    ec2.delete_flow_logs(FlowLogIds=[one["FlowLogId"] for one in ec2.describe_flow_logs()["FlowLogs"]])


@change("tracing", "XRay::SamplingRule", "FixedRate")
def every_request_traced(account: Account) -> None:
    account.client("xray").update_sampling_rule(SamplingRuleUpdate={"RuleName": NAME, "FixedRate": 1.0})


@change("budget", "Budgets::Budget", "Notifications")
def nobody_told_of_the_budget(account: Account) -> None:
    budgets = account.client("budgets", EDGE)
    which = {"AccountId": "123456789012", "BudgetName": NAME}
    for one in budgets.describe_notifications_for_budget(**which)["Notifications"][:1]:
        notice = {name: value for name, value in one.items() if name != "NotificationState"}
        budgets.delete_notification(**which, Notification=notice)


@change("backup", "Backup::BackupPlan", "Rules.daily.Lifecycle.DeleteAfterDays")
def a_backup_rule(account: Account) -> None:
    backup = account.client("backup")
    plan = next(one for one in backup.list_backup_plans()["BackupPlansList"] if one["BackupPlanName"] == NAME)
    got = backup.get_backup_plan(BackupPlanId=plan["BackupPlanId"])["BackupPlan"]
    rules = [{name: value for name, value in rule.items() if name != "RuleId"} for rule in got["Rules"]]
    rules[0]["Lifecycle"] = {"DeleteAfterDays": 1}
    backup.update_backup_plan(BackupPlanId=plan["BackupPlanId"], BackupPlan={"BackupPlanName": NAME, "Rules": rules})


@change("backup", "Backup::BackupVault", "AccessPolicy", left=True)
def a_vault_given_to_another_account(account: Account) -> None:
    policy = _anybody("backup:CopyFromBackupVault", "*")
    account.client("backup").put_backup_vault_access_policy(BackupVaultName=NAME, Policy=policy)


# -- instances -------------------------------------------------------------------------------------------------------


@change("compute", "AutoScaling::AutoScalingGroup", "MaxSize")
def a_larger_group(account: Account) -> None:
    account.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName=f"{NAME}-web", MaxSize=99)


@change(
    "compute",
    "EC2::LaunchTemplate",
    "DefaultVersionNumber",
    "LatestVersionNumber",
    "Data.Default.MetadataOptions.HttpTokens",
    "Data.Latest.MetadataOptions.HttpTokens",
    # Versions are counted on: another one has the values of the first.
    remains=["DefaultVersionNumber", "LatestVersionNumber"],
)
def another_version_of_the_template(account: Account) -> None:
    ec2 = account.client("ec2")
    which = {"LaunchTemplateName": f"{NAME}-web"}
    (version,) = ec2.describe_launch_template_versions(**which)["LaunchTemplateVersions"]
    options = {**version["LaunchTemplateData"]["MetadataOptions"], "HttpTokens": "optional"}
    ec2.create_launch_template_version(**which, SourceVersion="1", LaunchTemplateData={"MetadataOptions": options})
    ec2.modify_launch_template(**which, DefaultVersion="2")


def _instance(account: Account) -> str:
    groups = account.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[f"{NAME}-web"])
    return str(groups["AutoScalingGroups"][0]["Instances"][0]["InstanceId"])


# The run makes another version of the launch template, as above, and puts new hosts in the place of all.
@change("compute", "AutoScaling::AutoScalingGroup", "Instances.*")
def a_host_in_another_security_group(account: Account) -> None:
    groups = [_group(account, f"{NAME}-web"), _group(account, "default")]
    account.client("ec2").modify_instance_attribute(InstanceId=_instance(account), Groups=groups)


@change("image", "EC2::Image", "Public", left=True)
def an_image_for_everybody(account: Account) -> None:
    ec2 = account.client("ec2")
    (image,) = ec2.describe_images(Owners=["self"])["Images"]
    ec2.modify_image_attribute(ImageId=image["ImageId"], LaunchPermission={"Add": [{"Group": "all"}]})


@change("compute", "AutoScaling::AutoScalingGroup", "LifecycleHooks.slipway-rehearsal-terminate")
def a_hook_that_nobody_answers(account: Account) -> None:
    account.client("autoscaling").delete_lifecycle_hook(
        AutoScalingGroupName=f"{NAME}-web", LifecycleHookName=f"{NAME}-terminate"
    )


@change("compute", "AutoScaling::AutoScalingGroup", "SuspendedProcesses")
def a_group_that_replaces_nothing(account: Account) -> None:
    account.client("autoscaling").suspend_processes(
        AutoScalingGroupName=f"{NAME}-web", ScalingProcesses=["ReplaceUnhealthy"]
    )
