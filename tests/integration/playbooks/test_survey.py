"""The survey, against an account of its own: what it leaves out, what it finds, and that it sees all that is made."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from .account import Account, Ran

NAME = "slipway-rehearsal"
#: By which type of resource the survey sees what a writing call makes. A call that is not here fails the test.
SEEN: Mapping[str, str] = {
    "acm:RequestCertificate": "AWS::CertificateManager::Certificate",
    "backup:CreateBackupPlan": "AWS::Backup::BackupPlan",
    "backup:CreateBackupSelection": "AWS::Backup::BackupPlan",
    "backup:CreateBackupVault": "AWS::Backup::BackupVault",
    "budgets:CreateBudget": "AWS::Budgets::Budget",
    "cloudfront:CreateDistributionWithTags": "AWS::CloudFront::Distribution",
    "cloudfront:CreateFunction": "AWS::CloudFront::Function",
    "cloudfront:PublishFunction": "AWS::CloudFront::Function",
    "cloudfront:CreateOriginAccessControl": "AWS::CloudFront::OriginAccessControl",
    "cloudfront:CreateResponseHeadersPolicy": "AWS::CloudFront::ResponseHeadersPolicy",
    "cloudwatch:PutCompositeAlarm": "AWS::CloudWatch::CompositeAlarm",
    "cloudwatch:PutDashboard": "AWS::CloudWatch::Dashboard",
    "cloudwatch:PutMetricAlarm": "AWS::CloudWatch::Alarm",
    "ec2:AllocateAddress": "AWS::EC2::EIP",
    "ec2:AssociateRouteTable": "AWS::EC2::RouteTable",
    "ec2:AttachInternetGateway": "AWS::EC2::InternetGateway",
    "ec2:AuthorizeSecurityGroupEgress": "AWS::EC2::SecurityGroup",
    "ec2:AuthorizeSecurityGroupIngress": "AWS::EC2::SecurityGroup",
    "ec2:CreateFlowLogs": "AWS::EC2::FlowLog",
    "ec2:CreateEgressOnlyInternetGateway": "AWS::EC2::EgressOnlyInternetGateway",
    "ec2:CreateInternetGateway": "AWS::EC2::InternetGateway",
    "ec2:CreateNatGateway": "AWS::EC2::NatGateway",
    "ec2:CreateRoute": "AWS::EC2::RouteTable",
    "ec2:CreateRouteTable": "AWS::EC2::RouteTable",
    "ec2:CreateSecurityGroup": "AWS::EC2::SecurityGroup",
    "ec2:CreateSubnet": "AWS::EC2::Subnet",
    "ec2:CreateTags": "AWS::EC2::VPC",
    "ec2:CreateVpc": "AWS::EC2::VPC",
    "ec2:CreateVpcEndpoint": "AWS::EC2::VPCEndpoint",
    "ec2:ModifySubnetAttribute": "AWS::EC2::Subnet",
    "ec2:ModifyVpcAttribute": "AWS::EC2::VPC",
    "ec2:RevokeSecurityGroupEgress": "AWS::EC2::SecurityGroup",
    "elasticache:CreateCacheParameterGroup": "AWS::ElastiCache::ParameterGroup",
    "elasticache:CreateCacheSubnetGroup": "AWS::ElastiCache::SubnetGroup",
    "elasticache:CreateReplicationGroup": "AWS::ElastiCache::ReplicationGroup",
    "elasticache:ModifyCacheParameterGroup": "AWS::ElastiCache::ParameterGroup",
    "elbv2:AddTags": "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "elbv2:CreateListener": "AWS::ElasticLoadBalancingV2::Listener",
    "elbv2:CreateLoadBalancer": "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "elbv2:CreateTargetGroup": "AWS::ElasticLoadBalancingV2::TargetGroup",
    "elbv2:ModifyLoadBalancerAttributes": "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "elbv2:ModifyTargetGroupAttributes": "AWS::ElasticLoadBalancingV2::TargetGroup",
    "iam:AddRoleToInstanceProfile": "AWS::IAM::InstanceProfile",
    "iam:AttachRolePolicy": "AWS::IAM::Role",
    "iam:CreateInstanceProfile": "AWS::IAM::InstanceProfile",
    "iam:CreateRole": "AWS::IAM::Role",
    "iam:PutRolePolicy": "AWS::IAM::Role",
    "kms:CreateAlias": "AWS::KMS::Key",
    "kms:CreateKey": "AWS::KMS::Key",
    "kms:EnableKeyRotation": "AWS::KMS::Key",
    "logs:CreateDelivery": "AWS::Logs::Delivery",
    "logs:CreateLogGroup": "AWS::Logs::LogGroup",
    "logs:PutDeliveryDestination": "AWS::Logs::DeliveryDestination",
    "logs:PutDeliverySource": "AWS::Logs::Delivery",
    "logs:PutMetricFilter": "AWS::Logs::LogGroup",
    "logs:PutRetentionPolicy": "AWS::Logs::LogGroup",
    "rds:CreateDBInstance": "AWS::RDS::DBInstance",
    "rds:CreateDBParameterGroup": "AWS::RDS::DBParameterGroup",
    "rds:CreateDBSubnetGroup": "AWS::RDS::DBSubnetGroup",
    "rds:CreateEventSubscription": "AWS::RDS::EventSubscription",
    "rds:ModifyDBParameterGroup": "AWS::RDS::DBParameterGroup",
    "route53:ChangeResourceRecordSets": "AWS::Route53::RecordSet",
    "route53:ChangeTagsForResource": "AWS::Route53::HostedZone",
    "route53:CreateHealthCheck": "AWS::Route53::HealthCheck",
    "route53:CreateHostedZone": "AWS::Route53::HostedZone",
    "s3:CreateBucket": "AWS::S3::Bucket",
    "s3:PutBucketEncryption": "AWS::S3::Bucket",
    "s3:PutBucketLifecycleConfiguration": "AWS::S3::Bucket",
    "s3:PutBucketOwnershipControls": "AWS::S3::Bucket",
    "s3:PutBucketPolicy": "AWS::S3::BucketPolicy",
    "s3:PutBucketTagging": "AWS::S3::Bucket",
    "s3:PutBucketVersioning": "AWS::S3::Bucket",
    "s3:PutPublicAccessBlock": "AWS::S3::Bucket",
    "secretsmanager:CreateSecret": "AWS::SecretsManager::Secret",
    "sns:CreateTopic": "AWS::SNS::Topic",
    "sns:SetTopicAttributes": "AWS::SNS::Topic",
    "sns:Subscribe": "AWS::SNS::Topic",
    "sqs:CreateQueue": "AWS::SQS::Queue",
    "sqs:SetQueueAttributes": "AWS::SQS::Queue",
    "ssm:PutParameter": "AWS::SSM::Parameter",
    "wafv2:AssociateWebACL": "AWS::WAFv2::WebACL",
    "wafv2:CreateWebACL": "AWS::WAFv2::WebACL",
    "wafv2:PutLoggingConfiguration": "AWS::WAFv2::WebACL",
    "xray:CreateGroup": "AWS::XRay::Group",
    "xray:CreateSamplingRule": "AWS::XRay::SamplingRule",
}
#: Writing calls that leave nothing of the stack.
NO_RESOURCE = {"s3:PutObject": "the record itself", "sts:AssumeRole": "a session"}

Client = Callable[..., Any]


def run(account: Account, playbook: str, **variables: Any) -> Ran:
    return account.run(f"playbooks/{playbook}.yml", variables=variables, environment={"AWS_MAX_ATTEMPTS": "1"})


@pytest.fixture(scope="module")
def provisioned(account: Account) -> set[str]:
    """Everything is there; answers what was written for it."""
    ran = run(account, "provision")
    assert ran.status == 0, ran.output[-4000:]
    return account.writes


@pytest.mark.usefixtures("provisioned")
def test_a_finished_stack_costs_one_look(account: Account) -> None:
    again = run(account, "provision")
    assert again.status == 0, again.output[-4000:]
    assert again.changed == 0
    assert again.converged == set()
    assert account.writes == set()


@pytest.mark.usefixtures("provisioned")
def test_whoever_does_not_believe_it_lets_every_layer_look(account: Account) -> None:
    full = run(account, "provision", slipway_full=True)
    assert full.status == 0, full.output[-4000:]
    assert full.changed == 0
    assert {"aws_network", "aws_edge", "aws_alarms"} <= full.converged


@pytest.mark.usefixtures("provisioned")
def test_a_new_value_converges_the_layers_that_read_it_and_no_other(account: Account) -> None:
    other = run(account, "provision", aws_logs_flow_days=7)
    assert other.status == 0, other.output[-4000:]
    assert other.converged == {"aws_logs"}
    assert other.changed > 0
    back = run(account, "provision")
    assert back.converged == {"aws_logs"}


def test_nothing_is_made_that_the_survey_does_not_see(account: Account, provisioned: set[str]) -> None:
    assert sorted(provisioned - set(SEEN) - set(NO_RESOURCE)) == []
    bucket = f"{NAME}-123456789012-releases"
    record = json.loads(account.client("s3").get_object(Bucket=bucket, Key="stack/survey.json")["Body"].read())
    recorded = {key.split(" ")[0] for layer in record["layers"].values() for key in layer["resources"]}
    assert sorted({SEEN[one] for one in provisioned & set(SEEN)} - recorded) == []


def _touch(client: Client) -> dict[tuple[str, str], str]:
    """Change the stack by hand. Answers (resource, field) of each change; the value says where it is expected."""
    ec2, elb, rds = client("ec2"), client("elbv2"), client("rds")
    changed: dict[tuple[str, str], str] = {}

    vpc = ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": [NAME]}])["Vpcs"][0]["VpcId"]
    within = [{"Name": "vpc-id", "Values": [vpc]}]

    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": False})
    changed["AWS::EC2::VPC", "EnableDnsHostnames.Value"] = "network"

    groups = {one["GroupName"]: one for one in ec2.describe_security_groups(Filters=within)["SecurityGroups"]}
    world = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=groups[f"{NAME}-web"]["GroupId"], IpPermissions=[world])
    changed["AWS::EC2::SecurityGroup", "IpPermissions"] = "network"

    subnet = ec2.describe_subnets(Filters=[*within, {"Name": "tag:Tier", "Values": ["data"]}])["Subnets"][0]["SubnetId"]
    ec2.create_tags(Resources=[subnet], Tags=[{"Key": "Environment", "Value": "somebody's"}])
    changed["AWS::EC2::Subnet", "Tags.Environment"] = "network"

    balancer = elb.describe_load_balancers(Names=[NAME])["LoadBalancers"][0]["LoadBalancerArn"]
    idle = {"Key": "idle_timeout.timeout_seconds", "Value": "4000"}
    elb.modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=[idle])
    changed["AWS::ElasticLoadBalancingV2::LoadBalancer", "Attributes.idle_timeout.timeout_seconds"] = "balancer"

    group = elb.describe_target_groups(Names=[f"{NAME}-web"])["TargetGroups"][0]["TargetGroupArn"]
    elb.modify_target_group(TargetGroupArn=group, HealthCheckPath="/")
    changed["AWS::ElasticLoadBalancingV2::TargetGroup", "HealthCheckPath"] = "balancer"

    rds.modify_db_instance(DBInstanceIdentifier=NAME, BackupRetentionPeriod=0, ApplyImmediately=True)
    changed["AWS::RDS::DBInstance", "BackupRetentionPeriod"] = "database"

    s3 = client("s3")
    bucket = f"{NAME}-123456789012-releases"
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    changed["AWS::S3::Bucket", "Versioning.Status"] = "storage"
    s3.delete_public_access_block(Bucket=f"{NAME}-123456789012-frontend")
    changed["AWS::S3::Bucket", "PublicAccessBlock"] = "storage"
    s3.delete_bucket_policy(Bucket=f"{NAME}-123456789012-logs")
    changed["AWS::S3::BucketPolicy", ""] = "storage"

    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    client("iam").put_role_policy(RoleName=f"{NAME}-web", PolicyName="more", PolicyDocument=json.dumps(everything))
    changed["AWS::IAM::Role", "Policies.more"] = "identity"

    client("logs").put_retention_policy(logGroupName=f"/{NAME}/application", retentionInDays=1)
    changed["AWS::Logs::LogGroup", "retentionInDays"] = "logs"

    watch = client("cloudwatch")
    watch.disable_alarm_actions(AlarmNames=[f"{NAME}/latency"])
    changed["AWS::CloudWatch::Alarm", "ActionsEnabled"] = "alarms"
    watch.delete_alarms(AlarmNames=[f"{NAME}/target-5xx"])
    changed["AWS::CloudWatch::Alarm", ""] = "alarms"

    kms = client("kms")
    key = kms.describe_key(KeyId=f"alias/{NAME}-logs")["KeyMetadata"]["KeyId"]
    kms.disable_key_rotation(KeyId=key)
    changed["AWS::KMS::Key", "Rotation"] = "encryption"

    client("ssm").put_parameter(
        Name=f"/{NAME}/application/DJANGO_SITE_URL", Value="https://evil.example", Overwrite=True
    )
    changed["AWS::SSM::Parameter", "Value"] = "parameters"

    client("secretsmanager").tag_resource(SecretId=f"{NAME}/django", Tags=[{"Key": "Owner", "Value": "somebody"}])
    changed["AWS::SecretsManager::Secret", "Tags.Owner"] = "secrets"

    edge = client("cloudfront", "us-east-1")
    distribution = edge.list_distributions()["DistributionList"]["Items"][0]["Id"]
    current = edge.get_distribution_config(Id=distribution)
    config = current["DistributionConfig"]
    config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] = "allow-all"
    edge.update_distribution(Id=distribution, IfMatch=current["ETag"], DistributionConfig=config)
    changed["AWS::CloudFront::Distribution", "Config.DefaultCacheBehavior.ViewerProtocolPolicy"] = "edge"

    topic = next(one["TopicArn"] for one in client("sns").list_topics()["Topics"])
    client("sns").subscribe(TopicArn=topic, Protocol="https", Endpoint="https://evil.example/")
    # The first that the record knows of: the site's own is in none.
    changed["AWS::SNS::Topic", "Subscriptions"] = "alerts"

    cache = client("elasticache")
    cache.modify_replication_group(
        ReplicationGroupId=NAME, SnapshotRetentionLimit=9, SnapshottingClusterId=f"{NAME}-001", ApplyImmediately=True
    )
    changed["AWS::ElastiCache::ReplicationGroup", "SnapshotRetentionLimit"] = "cache"
    # What follows from it.
    changed["AWS::ElastiCache::ReplicationGroup", "SnapshottingClusterId"] = "cache"
    changed["AWS::ElastiCache::CacheCluster", "SnapshotRetentionLimit"] = "cache"
    return changed


@pytest.mark.usefixtures("provisioned")
def test_what_a_hand_has_changed_is_found_and_named_and_nothing_else(account: Account, tmp_path: Path) -> None:
    untouched = run(account, "drift")
    assert untouched.status == 0, untouched.output[-4000:]
    assert account.writes == set()

    changed = _touch(account.client)
    assert len(changed) >= 15
    report = tmp_path / "drift.json"
    touched = run(account, "drift", aws_survey_report_path=str(report))
    assert touched.status != 0
    assert account.writes == set()
    found = {
        (one["resource"].split(" ")[0], one["field"]): one["layer"] for one in json.loads(report.read_text())["drift"]
    }
    assert found == changed
    # And in words, for people.
    assert "https://evil.example" in touched.output


@pytest.mark.usefixtures("provisioned")
def test_the_next_run_puts_it_back(account: Account) -> None:
    again = run(account, "provision")
    assert again.status == 0, again.output[-4000:]
    assert again.changed > 10
    assert (
        account.client("elbv2").describe_target_groups(Names=[f"{NAME}-web"])["TargetGroups"][0]["HealthCheckPath"]
        != "/"
    )
    # No layer takes away what somebody else has subscribed to: it is named until somebody says that it is meant.
    left = run(account, "drift")
    assert left.status != 0
    assert "https://evil.example" in left.output
    assert run(account, "provision", slipway_full=True).status == 0
    after = run(account, "drift")
    assert after.status == 0, after.output[-4000:]
    assert run(account, "provision").converged == set()
