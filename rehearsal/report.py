"""What the rehearsal has built, as a table for people: resource, name, and what stands behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

from rehearsal.certificates import CertificateAuthority
from rehearsal.console import console, output
from rehearsal.dataplane.context import Context
from rehearsal.engine import Container, Engine
from rehearsal.settings import Settings

Row = tuple[str, str, str]

#: A resource that has no body acts through the others: a rule in a firewall, a permission in a decision.
RECORD = "[dim]kept by the account[/dim]"


def print_report(settings: Settings, minutes: float | None) -> None:
    """Print the table, the site's URL and, after a run, how long it took."""
    engine = Engine(settings.state)
    context = Context(settings, engine, CertificateAuthority(settings.state), appliance_image="")
    table = Table(title="What was built", title_justify="left", title_style="bold", header_style="bold")
    for column in ("resource", "name", "what stands behind it"):
        table.add_column(column, overflow="fold")
    for row in rows(context, engine.containers()):
        table.add_row(*row)
    console.print()
    console.print(table)
    console.print()
    for url in site_urls(context):
        output.print(f"The application: {url}", style="bold")
    console.print(
        f"[dim]A browser that has never seen the rehearsal asks about its certificate: trust "
        f"{CertificateAuthority(settings.state).cert_path}, or accept it once.[/dim]"
    )
    if minutes is not None:
        console.print(f"Ready after {minutes:.1f} minutes. 'make status' shows this again, 'make down' removes it all.")


def site_urls(context: Context) -> list[str]:
    """The addresses at which the distributions of the account answer on this machine."""
    return [
        f"https://{alias}:{context.site_port}"
        for distribution in _distributions(context)
        for alias in distribution.get("Aliases", {}).get("Items", [])
    ]


def rows(context: Context, containers: Mapping[str, Container]) -> Iterator[Row]:
    """The resources of the account in the order in which a request meets them."""
    yield from _edge(context)
    yield from _network(context, containers)
    yield from _balancers(context, containers)
    yield from _hosts(context, containers)
    yield from _data(context, containers)
    yield from _storage(context)
    yield from _rest(context)
    yield from _watch(context)


def _distributions(context: Context) -> list[dict[str, Any]]:
    listed = context.client("cloudfront").list_distributions().get("DistributionList", {})
    return list(listed.get("Items", []))


def _edge(context: Context) -> Iterator[Row]:
    zones = context.client("route53").list_hosted_zones()["HostedZones"]
    for zone in zones:
        yield (
            "Route 53 zone",
            zone["Name"].rstrip("."),
            f"{zone['ResourceRecordSetCount']} records, asked by CloudFront's front",
        )
    for distribution in _distributions(context):
        names = ", ".join(distribution.get("Aliases", {}).get("Items", [])) or distribution["DomainName"]
        yield (
            "CloudFront distribution",
            f"{distribution['Id']} ({names})",
            f"TLS front on 127.0.0.1:{context.site_port}",
        )
    for region in sorted({"us-east-1", context.client("acm").meta.region_name}):
        for certificate in context.client("acm", region).list_certificates()["CertificateSummaryList"]:
            yield (
                "ACM certificate",
                f"{certificate['DomainName']} ({region})",
                "signed by the rehearsal's own authority",
            )


def _network(context: Context, containers: Mapping[str, Container]) -> Iterator[Row]:
    client = context.client("ec2")
    networks = context.engine.networks()
    for vpc in client.describe_vpcs()["Vpcs"]:
        if vpc["IsDefault"]:
            continue
        inside = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
        subnets = client.describe_subnets(Filters=inside)["Subnets"]
        groups = client.describe_security_groups(Filters=inside)["SecurityGroups"]
        gateways = client.describe_nat_gateways(Filter=inside)["NatGateways"]
        body = f"bridge network {vpc['CidrBlock']}" if vpc["VpcId"] in networks else "[red]no network[/red]"
        yield "VPC", _name(vpc, vpc["VpcId"]), f"{body}, {len(subnets)} subnets in it"
        yield "NAT gateways", str(len([g for g in gateways if g["State"] == "available"])), "the bridge's way out"
        rules = f"nftables in {sum(1 for c in containers.values() if c.running)} containers"
        for name in sorted(group["GroupName"] for group in groups if group["GroupName"] != "default"):
            yield "security group", name, rules


def _balancers(context: Context, containers: Mapping[str, Container]) -> Iterator[Row]:
    client = context.client("elbv2")
    for balancer in client.describe_load_balancers()["LoadBalancers"]:
        name = balancer["LoadBalancerName"]
        yield "load balancer", name, _behind(containers.get(f"alb-{name}"), "HAProxy")
    for group in client.describe_target_groups()["TargetGroups"]:
        health = client.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
        healthy = [one for one in health if one["TargetHealth"]["State"] == "healthy"]
        yield "target group", group["TargetGroupName"], f"{len(healthy)} of {len(health)} targets healthy"


def _hosts(context: Context, containers: Mapping[str, Container]) -> Iterator[Row]:
    for group in context.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]:
        wanted = f"{group['MinSize']} ≤ {group['DesiredCapacity']} ≤ {group['MaxSize']} instances"
        yield "Auto Scaling group", group["AutoScalingGroupName"], wanted
    for reservation in context.client("ec2").describe_instances()["Reservations"]:
        for instance in reservation["Instances"]:
            if instance["State"]["Name"] != "terminated":
                name = f"{instance['InstanceId']} ({_name(instance, instance['InstanceType'])})"
                behind = f"systemd host at {instance.get('PrivateIpAddress', '?')}"
                yield "EC2 instance", name, _behind(containers.get(instance["InstanceId"]), behind)
    for image in context.client("ec2").describe_images(Owners=["self"])["Images"]:
        yield "machine image", image.get("Name", image["ImageId"]), f"container image {image['ImageId']}"


def _data(context: Context, containers: Mapping[str, Container]) -> Iterator[Row]:
    for database in context.client("rds").describe_db_instances()["DBInstances"]:
        identifier = database["DBInstanceIdentifier"]
        yield "RDS database", identifier, _behind(containers.get(f"rds-{identifier}"), "PostgreSQL")
    for group in context.client("elasticache").describe_replication_groups()["ReplicationGroups"]:
        for member in group["MemberClusters"]:
            yield "ElastiCache node", member, _behind(containers.get(f"cache-{member}"), "Valkey")


def _storage(context: Context) -> Iterator[Row]:
    for bucket in context.client("s3").list_buckets()["Buckets"]:
        yield "S3 bucket", bucket["Name"], "objects in the emulated account"
    sqs = context.client("sqs")
    for url in sqs.list_queues().get("QueueUrls", []):
        asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        waiting = asked["Attributes"]["ApproximateNumberOfMessages"]
        name = url.rsplit("/", 1)[-1]
        dead = name.endswith("-dead") and waiting != "0"
        yield "SQS queue", name, f"[red]{waiting} failed tasks[/red]" if dead else f"{waiting} messages wait"


def _rest(context: Context) -> Iterator[Row]:
    for secret in context.client("secretsmanager").list_secrets()["SecretList"]:
        yield "secret", secret["Name"], RECORD
    pages = context.client("ssm").get_paginator("describe_parameters").paginate()
    yield "SSM parameters", str(sum(len(page["Parameters"]) for page in pages)), RECORD
    for role in context.client("iam").list_roles()["Roles"]:
        trusted = json.dumps(role["AssumeRolePolicyDocument"])
        if "ec2.amazonaws.com" in trusted:
            yield "IAM role", role["RoleName"], "decides what the hosts may call"


def _watch(context: Context) -> Iterator[Row]:
    """What protects and watches: the account keeps it, and nothing of it acts here."""
    for scope, region in (("CLOUDFRONT", "us-east-1"), ("REGIONAL", None)):
        for web_acl in context.client("wafv2", region).list_web_acls(Scope=scope)["WebACLs"]:
            yield "web ACL", f"{web_acl['Name']} ({scope.lower()})", RECORD
    pages = context.client("cloudwatch").get_paginator("describe_alarms").paginate()
    alarms = sum(len(page["MetricAlarms"]) + len(page.get("CompositeAlarms", [])) for page in pages)
    for resource, count in (
        ("CloudWatch alarms", alarms),
        ("log groups", len(context.client("logs").describe_log_groups()["logGroups"])),
        ("SNS topics", len(context.client("sns").list_topics()["Topics"])),
        ("backup plans", len(context.client("backup").list_backup_plans()["BackupPlansList"])),
    ):
        yield resource, str(count), RECORD


def _behind(container: Container | None, what: str) -> str:
    if container is None:
        return "[red]nothing yet[/red]"
    if not container.running:
        return f"[red]{what}, container {container.name} is dead[/red]"
    address = container.labels.get("address")
    return f"{what}{f' at {address}' if address else ''}, container {container.name}"


def _name(resource: Mapping[str, Any], otherwise: str) -> str:
    return next((str(tag["Value"]) for tag in resource.get("Tags", []) if tag["Key"] == "Name"), otherwise)
