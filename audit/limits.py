"""What AWS documents in words alone: character sets, sizes and numbers that no model of its APIs holds."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from audit.recording import Call

Properties = dict[str, Any]

#: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html
_SECURITY_GROUP_TEXT = re.compile(r"[A-Za-z0-9. _\-:/()#,@\[\]+=&;{}!$*]{1,255}")
#: https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html#tag-conventions
_TAG_TEXT = re.compile(r"[\w \t.:/=+\-@]*")
_TAGS, _TAG_KEY, _TAG_VALUE = 50, 128, 256
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html (quotas that nobody has raised)
_TRUST_POLICY, _INLINE_POLICIES, MANAGED_POLICY, _ATTACHED = 2048, 10240, 6144, 10
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html
_BUCKET_POLICY = 20 * 1024
#: https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
_KEY_POLICY = 32 * 1024
#: https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
_STANDARD_PARAMETER = 4096
#: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html (MasterUserPassword, PostgreSQL)
_DATABASE_PASSWORD = re.compile(r"[!#-.0-?A-~]{8,128}")
#: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth.html
_CACHE_PASSWORD = re.compile(r"[A-Za-z0-9!&#$^<>-]{16,128}")
#: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
_RULES = 60
#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
_ALARM_ACTIONS, _ALARM_SECONDS = 5, 7 * 86400
#: Periods below a minute: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
_SHORT_PERIODS = (10, 20, 30)
#: https://docs.aws.amazon.com/waf/latest/APIReference/API_RateBasedStatement.html
_RATE_WINDOWS = (60, 120, 300, 600)
#: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
_BALANCER_NAME = re.compile(r"(?!internal-)(?!-)[A-Za-z0-9-]{1,32}(?<!-)")
#: https://docs.aws.amazon.com/AWSEC2/latest/WindowsGuide/user-data.html (16 KB before it is encoded)
_USER_DATA = 16 * 1024


def policy_size(document: str | Mapping[str, Any]) -> int:
    """Characters of a policy as IAM counts them: without white space.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """
    parsed = json.loads(document) if isinstance(document, str) else document
    return len(re.sub(r"\s", "", json.dumps(parsed, separators=(",", ":"))))


def violations(calls: Iterable[Call]) -> list[str]:
    """Everything that AWS would refuse in these requests, one sentence each."""
    calls = list(calls)
    found = [sentence for call in calls for sentence in _of_one(call)]
    return list(dict.fromkeys([*found, *_of_all(calls)]))


def _of_one(call: Call) -> Iterator[str]:
    for sentence in _tags(call.parameters):
        yield f"{call.name}: {sentence}"
    if (check := _CHECKS.get(call.name)) is not None:
        for sentence in check(call.parameters):
            yield f"{call.name}: {sentence}"


def _tags(parameters: Any) -> Iterator[str]:
    """Tags wherever they stand in a request."""
    if isinstance(parameters, list):
        for entry in parameters:
            yield from _tags(entry)
    if not isinstance(parameters, dict):
        return
    for name, value in parameters.items():
        tags: dict[str, str] = {}
        if name in ("Tags", "AddTags", "TagSet", "ResourceTags") and isinstance(value, list):
            tags = {
                entry.get("Key", entry.get("TagKey")): entry.get("Value", entry.get("TagValue", "")) for entry in value
            }
        elif (
            name.lower().endswith("tags")
            and isinstance(value, dict)
            and all(isinstance(v, str) for v in value.values())
        ):
            tags = value
        else:
            yield from _tags(value)
        if len(tags) > _TAGS:
            yield f"{len(tags)} tags, AWS allows {_TAGS}"
        for key, text in tags.items():
            if not key or len(key) > _TAG_KEY or key.lower().startswith("aws:") or not _TAG_TEXT.fullmatch(key):
                yield f"{key!r} cannot be the key of a tag"
            if len(text) > _TAG_VALUE or not _TAG_TEXT.fullmatch(text):
                yield f"{text!r} cannot be the value of the tag {key}"


def _security_group(given: Properties) -> Iterator[str]:
    for name in ("GroupName", "Description"):
        if not _SECURITY_GROUP_TEXT.fullmatch(given[name]):
            yield f"{name} {given[name]!r} has characters or a length that EC2 refuses"
    if given["GroupName"].startswith("sg-"):
        yield f"GroupName {given['GroupName']!r} may not begin like an id"


def _rules(given: Properties) -> Iterator[str]:
    for rule in given["IpPermissions"]:
        for sort in ("IpRanges", "Ipv6Ranges", "UserIdGroupPairs", "PrefixListIds"):
            for source in rule.get(sort, []):
                text = source.get("Description")
                if text is not None and not _SECURITY_GROUP_TEXT.fullmatch(text):
                    yield f"the description {text!r} has characters or a length that EC2 refuses"


def _role(given: Properties) -> Iterator[str]:
    size = policy_size(given["AssumeRolePolicyDocument"])
    if size > _TRUST_POLICY:
        yield f"the trust policy of {given['RoleName']} has {size} characters, IAM allows {_TRUST_POLICY}"


def _managed_policy(given: Properties) -> Iterator[str]:
    size = policy_size(given["PolicyDocument"])
    if size > MANAGED_POLICY:
        yield f"{given['PolicyName']} has {size} characters, IAM allows {MANAGED_POLICY}"


def _sized(parameter: str, limit: int) -> Callable[[Properties], Iterator[str]]:
    def check(given: Properties) -> Iterator[str]:
        size = len(str(given.get(parameter, "")).encode())
        if size > limit:
            yield f"{parameter} has {size} bytes, AWS allows {limit}"

    return check


def _database(given: Properties) -> Iterator[str]:
    password = given.get("MasterUserPassword")
    if password is not None and not _DATABASE_PASSWORD.fullmatch(password):
        yield "the password of the database has characters or a length that RDS refuses"
    if given["MasterUsername"].lower() in ("admin", "rdsadmin", "postgres_admin", "rds_superuser"):
        yield f"{given['MasterUsername']} is a reserved name"


def _cache(given: Properties) -> Iterator[str]:
    token = given.get("AuthToken")
    if token is not None and not _CACHE_PASSWORD.fullmatch(token):
        yield "the password of the cache has characters or a length that ElastiCache refuses"
    if token is not None and not given.get("TransitEncryptionEnabled"):
        yield "a password wants encryption in transit"
    if given.get("AutomaticFailoverEnabled") and given.get("NumCacheClusters", 1) < 2:
        yield "a failover wants a replica"
    if not re.fullmatch(r"[a-z](?!.*--)[a-z0-9-]{0,39}(?<!-)", given["ReplicationGroupId"]):
        yield f"{given['ReplicationGroupId']!r} cannot be the id of a replication group"


def _alarm(given: Properties) -> Iterator[str]:
    for name in ("AlarmActions", "OKActions", "InsufficientDataActions"):
        if len(given.get(name, [])) > _ALARM_ACTIONS:
            yield f"{given['AlarmName']} has more than {_ALARM_ACTIONS} {name}"
    period, times = given.get("Period"), given.get("EvaluationPeriods", 1)
    if period is None:
        return
    if period not in _SHORT_PERIODS and period % 60:
        yield f"the period of {given['AlarmName']} is {period} seconds, no multiple of 60"
    if period * times > (_ALARM_SECONDS if period >= 3600 else 86400):
        yield f"{given['AlarmName']} looks back further than CloudWatch"
    if given.get("DatapointsToAlarm", times) > times:
        yield f"{given['AlarmName']} wants more data points than there are"


def _web_acl(given: Properties) -> Iterator[str]:
    def windows(node: Any) -> Iterator[int]:
        if isinstance(node, dict):
            if "RateBasedStatement" in node:
                yield node["RateBasedStatement"].get("EvaluationWindowSec", 300)
            for value in node.values():
                yield from windows(value)
        elif isinstance(node, list):
            for value in node:
                yield from windows(value)

    for seconds in windows(given.get("Rules", [])):
        if seconds not in _RATE_WINDOWS:
            yield f"a rate is counted over {seconds} seconds; WAF knows {_RATE_WINDOWS}"
    priorities = [rule["Priority"] for rule in given.get("Rules", [])]
    if len(set(priorities)) != len(priorities):
        yield "two rules have the same priority"


def _balancer(given: Properties) -> Iterator[str]:
    if not _BALANCER_NAME.fullmatch(given["Name"]):
        yield f"{given['Name']!r} cannot be the name of a load balancer or target group"


def _log_destination(given: Properties) -> Iterator[str]:
    """https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html"""
    for arn in given["LoggingConfiguration"]["LogDestinationConfigs"]:
        if not arn.split(":")[-1].rsplit("/", 1)[-1].startswith("aws-waf-logs-"):
            yield f"{arn} does not begin with aws-waf-logs-"


def _user_data(given: Properties) -> Iterator[str]:
    text = given.get("UserData") or given.get("LaunchTemplateData", {}).get("UserData") or ""
    if len(text) * 3 // 4 > _USER_DATA:
        yield f"user data of {len(text) * 3 // 4} bytes, EC2 allows {_USER_DATA}"


_CHECKS: dict[str, Callable[[Properties], Iterator[str]]] = {
    "ec2:CreateSecurityGroup": _security_group,
    "ec2:AuthorizeSecurityGroupIngress": _rules,
    "ec2:AuthorizeSecurityGroupEgress": _rules,
    "ec2:RunInstances": _user_data,
    "ec2:CreateLaunchTemplate": _user_data,
    "ec2:CreateLaunchTemplateVersion": _user_data,
    "iam:CreateRole": _role,
    "iam:CreatePolicy": _managed_policy,
    "s3:PutBucketPolicy": _sized("Policy", _BUCKET_POLICY),
    "kms:CreateKey": _sized("Policy", _KEY_POLICY),
    "ssm:PutParameter": _sized("Value", _STANDARD_PARAMETER),
    "rds:CreateDBInstance": _database,
    "elasticache:CreateReplicationGroup": _cache,
    "cloudwatch:PutMetricAlarm": _alarm,
    "cloudwatch:PutCompositeAlarm": _alarm,
    "wafv2:CreateWebACL": _web_acl,
    "wafv2:PutLoggingConfiguration": _log_destination,
    "elbv2:CreateLoadBalancer": _balancer,
    "elbv2:CreateTargetGroup": _balancer,
}


def _of_all(calls: Iterable[Call]) -> Iterator[str]:
    """Sums over several requests."""
    inline: dict[str, int] = defaultdict(int)
    attached: dict[str, set[str]] = defaultdict(set)
    rules: dict[tuple[str, str], int] = defaultdict(int)
    for call in calls:
        given = call.parameters
        if call.name == "iam:PutRolePolicy":
            inline[given["RoleName"]] += policy_size(given["PolicyDocument"])
        elif call.name == "iam:AttachRolePolicy":
            attached[given["RoleName"]].add(given["PolicyArn"])
        elif call.name.startswith("ec2:AuthorizeSecurityGroup"):
            for rule in given["IpPermissions"]:
                sources = sum(len(rule.get(sort, [])) for sort in ("IpRanges", "UserIdGroupPairs", "PrefixListIds"))
                rules[given["GroupId"], call.operation] += sources
    for role, size in inline.items():
        if size > _INLINE_POLICIES:
            yield f"the inline policies of {role} have {size} characters, IAM allows {_INLINE_POLICIES}"
    for role, arns in attached.items():
        if len(arns) > _ATTACHED:
            yield f"{role} has {len(arns)} managed policies, IAM allows {_ATTACHED}"
    for (group, operation), number in rules.items():
        if number > _RULES:
            yield f"{operation}: {group} has {number} rules, a VPC allows {_RULES}"
