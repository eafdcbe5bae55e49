"""The resources that recorded requests name, as IAM sees them, and what a deployer may do to them.

That an action is allowed says little where its resources are narrowed: the name that a request carries has to match as
well, in the policies and in the boundary. Which resources an action has:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from audit import deployer
from audit.recording import Call
from rehearsal import policy
from rehearsal.settings import ACCOUNT_ID

#: Stands for the identifier that AWS gives what is made.
_NEW = "0123456789abcdef"


@dataclass(frozen=True)
class Attempt:
    """One action on one resource that a request needs; `*` where nothing narrows it."""

    action: str
    resource: str = "*"
    context: Mapping[str, str] = field(default_factory=dict)


#: Service -> parameter -> what follows region and account in the ARN. A dot leads into what a parameter holds; a value
#: that is an ARN stands for itself.
_NAMED: Mapping[str, Mapping[str, str]] = {
    "autoscaling": dict.fromkeys(
        ("AutoScalingGroupName", "Tags.ResourceId"), f"autoScalingGroup:{_NEW}:autoScalingGroupName/{{}}"
    ),
    "backup": {
        "BackupVaultName": "backup-vault:{}",
        "BackupPlanId": "backup-plan:{}",
        "BackupPlan.BackupPlanName": f"backup-plan:{_NEW}",
        "ResourceArn": "{}",
    },
    "budgets": {"BudgetName": "budget/{}", "Budget.BudgetName": "budget/{}"},
    "cloudwatch": {
        "AlarmName": "alarm:{}",
        "AlarmNames": "alarm:{}",
        "DashboardName": "dashboard/{}",
        "DashboardNames": "dashboard/{}",
        "ResourceARN": "{}",
    },
    "elasticache": {
        "ReplicationGroupId": "replicationgroup:{}",
        "CacheClusterId": "cluster:{}",
        "CacheSubnetGroupName": "subnetgroup:{}",
        "CacheParameterGroupName": "parametergroup:{}",
        "UserGroupIds": "usergroup:{}",
        "ResourceName": "{}",
    },
    "elbv2": dict.fromkeys(
        ("LoadBalancerArn", "TargetGroupArn", "ListenerArn", "RuleArn", "ResourceArns", "ResourceArn"), "{}"
    ),
    "kms": {"KeyId": "key/{}", "TargetKeyId": "key/{}", "AliasName": "{}"},
    "logs": {
        "logGroupName": "log-group:{}:log-stream:",
        "resourceArn": "{}",
        "deliverySourceName": "delivery-source:{}",
        "deliveryDestinationArn": "{}",
        "id": "delivery:{}",
    },
    "rds": {
        "DBInstanceIdentifier": "db:{}",
        "DBParameterGroupName": "pg:{}",
        "DBSubnetGroupName": "subgrp:{}",
        "OptionGroupName": "og:{}",
        "SubscriptionName": "es:{}",
        "ResourceName": "{}",
    },
    # An ARN of Secrets Manager ends with six characters that nobody chooses.
    "secretsmanager": {"Name": "secret:{}-AbCdEf", "SecretId": "secret:{}-AbCdEf"},
    "sns": {"Name": "{}", "TopicArn": "{}", "ResourceArn": "{}"},
    "xray": {
        "GroupName": f"group/{{}}/{_NEW}",
        "GroupARN": "{}",
        "SamplingRule.RuleName": "sampling-rule/{}",
        "SamplingRuleUpdate.RuleName": "sampling-rule/{}",
        "ResourceARN": "{}",
    },
}
#: What is found in every region.
_EVERYWHERE = ("budget/", "dashboard/")


def _values(given: Any, path: str) -> Iterator[str]:
    """What a parameter holds; each, if it is a list."""
    if isinstance(given, list):
        for one in given:
            yield from _values(one, path)
    elif not path:
        if given:
            yield str(given)
    elif isinstance(given, Mapping):
        first, _, rest = path.partition(".")
        yield from _values(given.get(first), rest)


def _arn(call: Call, resource: str) -> str:
    region = "" if resource.startswith(_EVERYWHERE) else call.region
    return f"arn:aws:{deployer.prefix(call.service)}:{region}:{ACCOUNT_ID}:{resource}"


def _named(call: Call) -> Iterator[str]:
    for path, form in _NAMED.get(call.service, {}).items():
        for value in _values(call.parameters, path):
            yield value if value.startswith("arn:") else _arn(call, form.format(value))


def _balancing(call: Call) -> Iterator[str]:
    """What is made has an ARN with its name in it; a listener's is made of its load balancer's."""
    made = {"CreateLoadBalancer": "loadbalancer/app/{}/", "CreateTargetGroup": "targetgroup/{}/"}
    if call.operation in made:
        yield _arn(call, made[call.operation].format(call.parameters["Name"]) + _NEW)
    yield from _named(call)
    if call.operation == "CreateListener":
        yield call.parameters["LoadBalancerArn"].replace(":loadbalancer/", ":listener/") + f"/{_NEW}"


def _logs(call: Call) -> Iterator[str]:
    if (end := re.fullmatch("(?:Put|Delete)Delivery(Source|Destination)", call.operation)) is not None:
        yield _arn(call, f"delivery-{end[1].lower()}:{call.parameters['name']}")
        return
    if call.operation == "CreateDelivery":
        yield _arn(call, f"delivery:{_NEW}")
    yield from _named(call)


def _s3(call: Call) -> Iterator[str]:
    bucket, given = f"arn:aws:s3:::{call.parameters.get('Bucket')}", call.parameters
    if call.operation == "DeleteObjects":
        yield from (f"{bucket}/{key}" for key in _values(given, "Delete.Objects.Key"))
    elif "Bucket" in given:
        yield f"{bucket}/{given['Key']}" if "Key" in given else bucket
    if isinstance(source := given.get("CopySource"), str):
        yield f"arn:aws:s3:::{source.lstrip('/').partition('?')[0]}"


def _sqs(call: Call) -> Iterator[str]:
    for value in (*_values(call.parameters, "QueueUrl"), *_values(call.parameters, "QueueName")):
        yield _arn(call, value.rpartition("/")[2])


def _ssm(call: Call) -> Iterator[str]:
    """A version is no part of a parameter's ARN. A path is taken as it is given, with or without a slash at its end."""
    names = [*_values(call.parameters, "Name"), *_values(call.parameters, "Names")]
    if call.parameters.get("ResourceType") == "Parameter":
        names += _values(call.parameters, "ResourceId")
    for name in (*(name.partition(":")[0] for name in names), *_values(call.parameters, "Path")):
        yield _arn(call, f"parameter/{name.removeprefix('/')}")


def _wafv2(call: Call) -> Iterator[str]:
    """A web ACL, the sets of rules of others in it, and the load balancer before which it is put."""
    scope = "regional" if call.parameters.get("Scope") == "REGIONAL" else "global"
    for name in _values(call.parameters, "Name"):
        yield _arn(call, f"{scope}/webacl/{name}/{_NEW}")
    for group in _inside(call.parameters, "ManagedRuleGroupStatement"):
        yield _arn(call, f"{scope}/managedruleset/{group['VendorName']}/{group['Name']}")
    for path in ("WebACLArn", "ResourceArn", "ResourceARN", "LoggingConfiguration.ResourceArn"):
        yield from _values(call.parameters, path)


def _inside(given: Any, name: str) -> Iterator[Any]:
    """Every parameter of a name, however deep."""
    if isinstance(given, list):
        for one in given:
            yield from _inside(one, name)
    elif isinstance(given, Mapping):
        for key, value in given.items():
            if key == name:
                yield value
            yield from _inside(value, name)


_DERIVED: Mapping[str, Callable[[Call], Iterator[str]]] = {
    **dict.fromkeys(_NAMED, _named),
    "elbv2": _balancing,
    "logs": _logs,
    "s3": _s3,
    "sqs": _sqs,
    "ssm": _ssm,
    "wafv2": _wafv2,
}

#: A profile has the name of its role (aws_identity).
_ROLE = re.compile(r"arn:aws:iam::\d{12}:(?:role|instance-profile)/(.+)")
#: Who is handed a role; EC2 and its groups, where nothing else is said.
_PASSED_TO = {"ec2:CreateFlowLogs": "vpc-flow-logs", "backup": "backup", "rds": "monitoring.rds"}


def _strings(given: Any) -> Iterator[str]:
    if isinstance(given, str):
        yield given
    elif isinstance(given, Mapping | list):
        for one in given.values() if isinstance(given, Mapping) else given:
            yield from _strings(one)


def _passed(call: Call) -> Iterator[Attempt]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"""
    service = _PASSED_TO.get(call.name) or _PASSED_TO.get(call.service, "ec2")
    for text in _strings(call.parameters) if call.writes else ():
        if (role := _ROLE.fullmatch(text)) is not None:
            arn = f"arn:aws:iam::{ACCOUNT_ID}:role/{role[1]}"
            yield Attempt("iam:PassRole", arn, {"iam:PassedToService": f"{service}.amazonaws.com"})


def attempts(call: Call) -> list[Attempt]:
    """What a request asks permission for. Writing to IAM is left out: no deployer may."""
    named = list(dict.fromkeys(_DERIVED[call.service](call))) if call.service in _DERIVED else []
    found = []
    for action in filter(deployer.grantable, deployer.actions_of(call)):
        service = action.partition(":")[0]
        # What another service asks for itself is about that one's own resources.
        own = service == deployer.prefix(call.service)
        resources = [name for name in named if own or name.split(":")[2] == service] or ["*"]
        found += [Attempt(action, resource) for resource in resources]
    if call.service != "iam":
        found += _passed(call)
    return found


def refused(calls: Iterable[Call], environment: str) -> list[str]:
    """What the policies and the boundary of an environment's deployer do not let these requests do, a line for each.

    What is allowed by its tags is taken for ours: a request does not say what tags the thing has.
    """
    allowed = [policy.parse(one) for one in deployer.filled(deployer.FILE.read_text(), environment)]
    boundary = policy.parse(deployer.boundary(environment), "boundary")
    deployers = policy.Principal(
        arn=f"arn:aws:iam::{ACCOUNT_ID}:role/slipway-{environment}-deployer", account=ACCOUNT_ID
    )
    tags = {"aws:ResourceTag/Project": "slipway", "aws:ResourceTag/Environment": environment}
    found = []
    for call in calls:
        via = {"kms:ViaService": f"{call.service}.{call.region}.amazonaws.com"} if call.service != "kms" else {}
        for attempt in attempts(call):
            context = {"aws:RequestedRegion": call.region, **tags, **via, **attempt.context}
            asked = policy.Request(deployers, attempt.action, attempt.resource, context)
            decision = policy.evaluate(asked, allowed, boundary=boundary)
            if not decision.allowed:
                what = f"{attempt.action} on {attempt.resource}"
                found.append(f"{call.name} needs {what}: {decision.effect}, {decision.by}")
    return list(dict.fromkeys(found))
