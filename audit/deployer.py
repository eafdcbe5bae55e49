"""The permissions that a deployer needs, from what whole runs ask of the account.

`python -m audit deployer-policy` writes them to `roles/aws_deployers/files/policies.json`, in as many managed policies
as IAM's limit of 6,144 characters asks for; a test makes them again and compares. Names of the environment are
placeholders (`@NAME@`, `@ACCOUNT@`, `@REGION@`) that the role fills in.
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader  # type: ignore[import-untyped]
from ansible.template import Templar  # type: ignore[import-untyped]

from audit.limits import MANAGED_POLICY, policy_size
from audit.recording import Call

ROLE = Path(__file__).parent.parent / "roles" / "aws_deployers"
FILE = ROLE / "files" / "policies.json"

Policy = dict[str, Any]

#: botocore's service -> prefix of its actions, where they differ.
_PREFIX = {"elbv2": "elasticloadbalancing"}
#: Operation -> the actions that it needs, where they are not its own name.
#: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
_ACTIONS: dict[str, tuple[str, ...]] = {
    # Anybody may ask who he is.
    "sts:GetCallerIdentity": (),
    "s3:HeadBucket": ("s3:ListBucket",),
    "s3:ListObjects": ("s3:ListBucket",),
    "s3:ListObjectsV2": ("s3:ListBucket",),
    "s3:ListObjectVersions": ("s3:ListBucketVersions",),
    "s3:ListBuckets": ("s3:ListAllMyBuckets",),
    "s3:HeadObject": ("s3:GetObject",),
    "s3:CreateMultipartUpload": ("s3:PutObject",),
    "s3:UploadPart": ("s3:PutObject",),
    "s3:CompleteMultipartUpload": ("s3:PutObject",),
    "s3:CopyObject": ("s3:GetObject", "s3:PutObject"),
    "s3:DeleteObjects": ("s3:DeleteObject",),
    "s3:GetBucketAccelerateConfiguration": ("s3:GetAccelerateConfiguration",),
    "s3:GetBucketNotificationConfiguration": ("s3:GetBucketNotification",),
    "s3:PutBucketNotificationConfiguration": ("s3:PutBucketNotification",),
    "s3:GetBucketEncryption": ("s3:GetEncryptionConfiguration",),
    "s3:PutBucketEncryption": ("s3:PutEncryptionConfiguration",),
    "s3:GetBucketLifecycleConfiguration": ("s3:GetLifecycleConfiguration",),
    "s3:PutBucketLifecycleConfiguration": ("s3:PutLifecycleConfiguration",),
    "s3:GetObjectLockConfiguration": ("s3:GetBucketObjectLockConfiguration",),
    "s3:GetBucketReplication": ("s3:GetReplicationConfiguration",),
    "s3:GetPublicAccessBlock": ("s3:GetBucketPublicAccessBlock",),
    "s3:PutPublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "s3:ListBucketInventoryConfigurations": ("s3:GetInventoryConfiguration",),
    "cloudfront:CreateDistributionWithTags": ("cloudfront:CreateDistribution", "cloudfront:TagResource"),
    "budgets:CreateBudget": ("budgets:ModifyBudget", "budgets:TagResource"),
    "budgets:UpdateBudget": ("budgets:ModifyBudget",),
    "budgets:CreateNotification": ("budgets:ModifyBudget",),
    "budgets:DescribeBudgets": ("budgets:ViewBudget",),
    "budgets:DescribeBudget": ("budgets:ViewBudget",),
    "budgets:DescribeNotificationsForBudget": ("budgets:ViewBudget",),
    "budgets:DescribeSubscribersForNotification": ("budgets:ViewBudget",),
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-vended-logs-permissions-V2.html
    "logs:PutDeliverySource": ("logs:PutDeliverySource", "cloudfront:AllowVendedLogDeliveryForResource"),
    # https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html
    "wafv2:PutLoggingConfiguration": (
        "wafv2:PutLoggingConfiguration",
        "logs:CreateLogDelivery",
        "logs:DescribeResourcePolicies",
        "logs:PutResourcePolicy",
    ),
    # https://docs.aws.amazon.com/waf/latest/APIReference/API_AssociateWebACL.html
    "wafv2:AssociateWebACL": ("wafv2:AssociateWebACL", "elasticloadbalancing:SetWebACL"),
    # Grants are made as the caller: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.Keys.html
    "rds:CreateDBInstance": ("rds:CreateDBInstance", "kms:CreateGrant"),
    "elasticache:CreateReplicationGroup": ("elasticache:CreateReplicationGroup", "kms:CreateGrant"),
    # https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html#security-encryption-authz
    "secretsmanager:CreateSecret": ("secretsmanager:CreateSecret", "kms:GenerateDataKey", "kms:Decrypt"),
    "secretsmanager:GetSecretValue": ("secretsmanager:GetSecretValue", "kms:Decrypt"),
    "backup:CreateBackupVault": (
        "backup:CreateBackupVault",
        "backup-storage:MountCapsule",
        "kms:CreateGrant",
        "kms:GenerateDataKey",
        "kms:Decrypt",
        "kms:RetireGrant",
    ),
    "ec2:CreateFlowLogs": ("ec2:CreateFlowLogs", "logs:CreateLogDelivery", "logs:DeleteLogDelivery"),
}
#: Tags that come with the request that makes something are a permission of their own.
_TAGGING = {
    "acm": "acm:AddTagsToCertificate",
    "autoscaling": "autoscaling:CreateOrUpdateTags",
    "backup": "backup:TagResource",
    "cloudwatch": "cloudwatch:TagResource",
    "ec2": "ec2:CreateTags",
    "elasticache": "elasticache:AddTagsToResource",
    "elbv2": "elasticloadbalancing:AddTags",
    "kms": "kms:TagResource",
    "logs": "logs:TagResource",
    "rds": "rds:AddTagsToResource",
    "secretsmanager": "secretsmanager:TagResource",
    "sns": "sns:TagResource",
    "sqs": "sqs:TagQueue",
    "ssm": "ssm:AddTagsToResource",
    "wafv2": "wafv2:TagResource",
    "xray": "xray:TagResource",
}
#: What a first run does not ask for, and later ones do: changes of what is there, what an earlier domain or a broken
#: run has left, releases that roll or are taken back, and hosts reached through Session Manager, which the rehearsal
#: lacks. Nothing that removes data is among them.
LATER: tuple[str, ...] = (
    "acm:DeleteCertificate",
    "acm:RemoveTagsFromCertificate",
    "autoscaling:AttachLoadBalancerTargetGroups",
    "autoscaling:CancelInstanceRefresh",
    "autoscaling:CreateOrUpdateTags",
    "autoscaling:DeleteLifecycleHook",
    "autoscaling:DeletePolicy",
    "autoscaling:DeleteScheduledAction",
    "autoscaling:DeleteTags",
    "autoscaling:DeleteWarmPool",
    "autoscaling:DescribeInstanceRefreshes",
    "autoscaling:DescribeLifecycleHooks",
    "autoscaling:DescribeWarmPool",
    "autoscaling:DetachLoadBalancerTargetGroups",
    "autoscaling:PutLifecycleHook",
    "autoscaling:PutWarmPool",
    "autoscaling:ResumeProcesses",
    "autoscaling:StartInstanceRefresh",
    "autoscaling:UpdateAutoScalingGroup",
    "backup:CreateBackupSelection",
    "backup:DeleteBackupSelection",
    "backup:UntagResource",
    "backup:UpdateBackupPlan",
    "budgets:ModifyBudget",
    "budgets:UntagResource",
    "cloudfront:GetDistribution",
    "cloudfront:GetDistributionConfig",
    "cloudfront:GetOriginAccessControl",
    "cloudfront:GetResponseHeadersPolicy",
    "cloudfront:UntagResource",
    "cloudfront:UpdateDistribution",
    "cloudfront:UpdateFunction",
    "cloudfront:UpdateOriginAccessControl",
    "cloudfront:UpdateResponseHeadersPolicy",
    "cloudwatch:DeleteAlarms",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:UntagResource",
    "ec2:AssociateSubnetCidrBlock",
    "ec2:AssociateVpcCidrBlock",
    "ec2:CreateLaunchTemplateVersion",
    "ec2:DeleteFlowLogs",
    "ec2:DeleteInternetGateway",
    "ec2:DeleteNatGateway",
    "ec2:DeleteRoute",
    "ec2:DeleteRouteTable",
    "ec2:DeleteSnapshot",
    "ec2:DeleteTags",
    "ec2:DeleteVpc",
    "ec2:DeleteVpcEndpoints",
    "ec2:DeregisterImage",
    "ec2:DisassociateRouteTable",
    "ec2:ModifyLaunchTemplate",
    "ec2:ModifyVpcEndpoint",
    "ec2:ReleaseAddress",
    "ec2:ReplaceRoute",
    "ec2:RevokeSecurityGroupIngress",
    "ec2:UpdateSecurityGroupRuleDescriptionsEgress",
    "ec2:UpdateSecurityGroupRuleDescriptionsIngress",
    "elasticache:DecreaseReplicaCount",
    "elasticache:IncreaseReplicaCount",
    "elasticache:ModifyCacheSubnetGroup",
    "elasticache:ModifyReplicationGroup",
    "elasticache:RemoveTagsFromResource",
    "elasticache:ResetCacheParameterGroup",
    "elasticloadbalancing:DeleteListener",
    "elasticloadbalancing:DeleteRule",
    "elasticloadbalancing:DescribeTargetHealth",
    "elasticloadbalancing:ModifyListener",
    "elasticloadbalancing:ModifyTargetGroup",
    "elasticloadbalancing:RemoveTags",
    "elasticloadbalancing:SetIpAddressType",
    "elasticloadbalancing:SetSecurityGroups",
    "elasticloadbalancing:SetSubnets",
    "iam:GetOpenIDConnectProvider",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRolePolicy",
    "iam:ListInstanceProfilesForRole",
    "iam:ListOpenIDConnectProviders",
    "iam:ListPolicies",
    "iam:ListPolicyTags",
    "iam:ListPolicyVersions",
    "iam:ListRoleTags",
    "kms:EnableKey",
    "kms:PutKeyPolicy",
    "kms:UntagResource",
    "kms:UpdateKeyDescription",
    "logs:AssociateKmsKey",
    "logs:DeleteDelivery",
    "logs:DeleteDeliveryDestination",
    "logs:DeleteDeliverySource",
    "logs:DeleteMetricFilter",
    "logs:DeleteRetentionPolicy",
    "logs:UntagResource",
    "rds:DeleteEventSubscription",
    "rds:DescribeDBSnapshotAttributes",
    "rds:ModifyDBInstance",
    "rds:ModifyDBSubnetGroup",
    "rds:RemoveTagsFromResource",
    "rds:ResetDBParameterGroup",
    "route53:GetHostedZone",
    "route53:ListTagsForResource",
    "route53:ListTagsForResources",
    "route53:UpdateHealthCheck",
    "route53:UpdateHostedZoneComment",
    "s3:DeleteObject",
    "secretsmanager:DeleteResourcePolicy",
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetResourcePolicy",
    "secretsmanager:UntagResource",
    "sns:GetSubscriptionAttributes",
    "sns:SetTopicAttributes",
    "sns:Subscribe",
    "sns:Unsubscribe",
    "sns:UntagResource",
    "sqs:SetQueueAttributes",
    "sqs:UntagQueue",
    "ssm:DeleteParameter",
    "ssm:DeleteParameters",
    "ssm:DescribeInstanceInformation",
    "ssm:RemoveTagsFromResource",
    "ssm:ResumeSession",
    "ssm:StartSession",
    "ssm:TerminateSession",
    "ssmmessages:OpenDataChannel",
    "wafv2:UntagResource",
    "wafv2:UpdateWebACL",
    "xray:UntagResource",
    "xray:UpdateGroup",
    "xray:UpdateSamplingRule",
)
#: Whoever may write roles may write himself an administrator. Roles are made by one, in a run of `--limit identity,…`.
_ESCALATING = "iam:"

_HERE = "@REGION@:@ACCOUNT@"
_ANY = "*:@ACCOUNT@"
#: The names that a service's resources carry. What is known by an id alone is narrowed by its tags or not at all.
_NAMED: dict[str, tuple[str, ...]] = {
    "autoscaling": (f"arn:aws:autoscaling:{_HERE}:autoScalingGroup:*:autoScalingGroupName/@NAME@-*",),
    "backup": (f"arn:aws:backup:{_HERE}:backup-vault:@NAME@", f"arn:aws:backup:{_HERE}:backup-plan:*"),
    "budgets": ("arn:aws:budgets::@ACCOUNT@:budget/@NAME@",),
    "cloudwatch": (f"arn:aws:cloudwatch:{_ANY}:alarm:@NAME@/*", "arn:aws:cloudwatch::@ACCOUNT@:dashboard/@NAME@"),
    "elasticache": tuple(
        f"arn:aws:elasticache:{_HERE}:{sort}:@NAME@{more}"
        for sort, more in (("replicationgroup", ""), ("cluster", "*"), ("subnetgroup", ""), ("parametergroup", "*"))
    ),
    "elasticloadbalancing": (
        f"arn:aws:elasticloadbalancing:{_HERE}:loadbalancer/app/@NAME@/*",
        f"arn:aws:elasticloadbalancing:{_HERE}:targetgroup/@NAME@-*/*",
        f"arn:aws:elasticloadbalancing:{_HERE}:listener/app/@NAME@/*",
        f"arn:aws:elasticloadbalancing:{_HERE}:listener-rule/app/@NAME@/*",
    ),
    "logs": (
        f"arn:aws:logs:{_ANY}:log-group:/@NAME@/*",
        f"arn:aws:logs:{_ANY}:log-group:/aws/rds/instance/@NAME@/*",
        f"arn:aws:logs:{_ANY}:log-group:aws-waf-logs-@NAME@-*",
        *(f"arn:aws:logs:{_ANY}:delivery{kind}" for kind in (":*", "-source:@NAME@-*", "-destination:@NAME@-*")),
    ),
    "rds": (
        f"arn:aws:rds:{_HERE}:db:@NAME@",
        f"arn:aws:rds:{_HERE}:subgrp:@NAME@",
        f"arn:aws:rds:{_HERE}:pg:@NAME@*",
        f"arn:aws:rds:{_HERE}:es:@NAME@-*",
    ),
    "s3": ("arn:aws:s3:::@NAME@-@ACCOUNT@-*",),
    "secretsmanager": (f"arn:aws:secretsmanager:{_HERE}:secret:@NAME@/*",),
    "xray": (f"arn:aws:xray:{_HERE}:group/@NAME@/*", f"arn:aws:xray:{_HERE}:sampling-rule/@NAME@"),
    "sns": (f"arn:aws:sns:{_ANY}:@NAME@-*",),
    "sqs": (f"arn:aws:sqs:{_HERE}:@NAME@-*",),
    # GetParametersByPath names the path itself, as it was given. The lock of a run is no setting, which hosts may read.
    "ssm": tuple(
        f"arn:aws:ssm:{_HERE}:parameter/{path}"
        for path in ("@NAME@", "@NAME@/*", "slipway-run-lock/@NAME@", "slipway-run-lock/@NAME@/*")
    ),
}
#: Readings of content, which are narrowed like writing.
_CONTENT = ("s3:GetObject", "secretsmanager:GetSecretValue", "ssm:GetParameter", "ssm:GetParametersByPath")
#: These know no resource, or one that carries neither our name nor a tag when it is asked for.
_ANYWHERE = (
    "backup-storage:MountCapsule",
    "ec2:",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:PutResourcePolicy",
    "sns:Unsubscribe",
    "ssm:DescribeInstanceInformation",
)
_OURS = {"StringEquals": {"aws:ResourceTag/Project": "@PROJECT@", "aws:ResourceTag/Environment": "@ENVIRONMENT@"}}
#: EC2's requests that touch one thing which is ours already.
_TAGGED_EC2 = tuple(
    f"ec2:{verb}" for verb in ("Delete", "Deregister", "Release", "Terminate", "ModifyLaunch", "ModifyInst", "Revoke")
)
_KEEPERS = ("backup", "elasticache", "rds", "secretsmanager")
_THROUGH_SERVICES = {"StringEquals": {"kms:ViaService": [f"{name}.@REGION@.amazonaws.com" for name in _KEEPERS]}}
_THROUGH = ("kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKey", "kms:RetireGrant")
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
_PASSED = [f"arn:aws:iam::@ACCOUNT@:role/@NAME@-{name}" for name in ("web", "builder", "backup", "flows", "monitoring")]
_PASSED_TO = [f"{service}.amazonaws.com" for service in ("ec2", "backup", "vpc-flow-logs", "monitoring.rds")]
#: A session of Session Manager is named after the session of the role, without the role's id that ${aws:userid} begins
#: with. The trust of the role has its sessions named after the environment.
#: https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-restrict-access-quickstart.html
_IN_SESSIONS = ("ssm:ResumeSession", "ssm:TerminateSession", "ssmmessages:OpenDataChannel")
_READING = ("Describe", "List", "Get", "View", "Head")


def prefix(service: str) -> str:
    """What a service's actions and ARNs begin with."""
    return _PREFIX.get(service, service)


def actions_of(call: Call) -> tuple[str, ...]:
    """The permissions that a request needs."""
    actions = _ACTIONS.get(call.name, (f"{prefix(call.service)}:{call.operation}",))
    tagged = any("tag" in name.lower() and value for name, value in call.parameters.items())
    if call.writes and tagged and call.service in _TAGGING:
        actions = (*actions, _TAGGING[call.service])
    return actions


def actions(calls: Iterable[Call]) -> list[str]:
    """All permissions of a deployer: those of the calls, and of later runs; sorted, without writing to IAM."""
    return sorted(filter(grantable, {action for call in calls for action in actions_of(call)} | set(LATER)))


def grantable(action: str) -> bool:
    """Whether a deployer may have it: IAM he only reads."""
    return not action.startswith(_ESCALATING) or _reads(action)


def _reads(action: str) -> bool:
    return action.split(":")[1].startswith(_READING) and action not in _CONTENT


def _narrowed(action: str) -> tuple[tuple[str, ...], Mapping[str, Any]]:
    """The resources and the condition of an action."""
    service = action.split(":")[0]
    if _reads(action):
        return ("*",), {}
    if action.startswith(_TAGGED_EC2):
        return ("*",), _OURS
    if action in _THROUGH:
        return ("*",), _THROUGH_SERVICES
    if action == "ssm:StartSession":
        tags = {"ssm:resourceTag/Project": "@PROJECT@", "ssm:resourceTag/Environment": "@ENVIRONMENT@"}
        return (f"arn:aws:ec2:{_HERE}:instance/*",), {"StringEquals": tags}
    if action in _IN_SESSIONS:
        return (f"arn:aws:ssm:{_HERE}:session/@NAME@-*",), {}
    if action == "s3:ListAllMyBuckets":
        return ("*",), {}
    if action.startswith(_ANYWHERE):
        return ("*",), {"StringEquals": {"aws:RequestedRegion": ["@REGION@", "us-east-1"]}}
    if service == "s3" and action.endswith(("Object", "ObjectTagging")):
        return (f"{_NAMED['s3'][0]}/*",), {}
    if service == "kms" and action not in ("kms:CreateKey",):
        if action == "kms:CreateAlias":
            return (f"arn:aws:kms:{_ANY}:key/*", f"arn:aws:kms:{_ANY}:alias/@NAME@-*"), {}
        return ("*",), _OURS
    if service == "wafv2":
        return (
            f"arn:aws:wafv2:{_ANY}:*/webacl/@NAME@/*",
            f"arn:aws:wafv2:{_ANY}:*/managedruleset/*",
            f"arn:aws:elasticloadbalancing:{_HERE}:loadbalancer/app/@NAME@/*",
        ), {}
    return _NAMED.get(service, ("*",)), {}


def statements(wanted: Iterable[str]) -> list[Policy]:
    """The actions, those with the same resources and condition together."""
    groups: dict[str, list[str]] = defaultdict(list)
    for action in wanted:
        resources, condition = _narrowed(action)
        groups[json.dumps([resources, condition])].append(action)
    found = []
    for key, grouped in sorted(groups.items(), key=lambda item: item[1]):
        resources, condition = json.loads(key)
        statement: Policy = {"Effect": "Allow", "Action": grouped, "Resource": resources}
        if condition:
            statement["Condition"] = condition
        found.append(statement)
    passing = {"StringEquals": {"iam:PassedToService": _PASSED_TO}}
    found.append({"Effect": "Allow", "Action": "iam:PassRole", "Resource": _PASSED, "Condition": passing})
    return found


def policies(calls: Iterable[Call], limit: int = MANAGED_POLICY) -> list[Policy]:
    """Managed policies, each below IAM's limit with room for long names.

    Raises ValueError when a single action does not fit.
    """
    room = int(limit * 0.9)
    made: list[Policy] = []
    # What a service's statements mean together is judged together: who writes a bucket's policy may read its objects.
    for _, group in itertools.groupby(statements(actions(calls)), key=_service):
        parts = [part for statement in group for part in _parts(statement, room)]
        whole = _fits([], parts, room)
        for some in [parts] if whole else [[part] for part in parts]:
            for policy in made:
                if _fits(policy["Statement"], some, room):
                    policy["Statement"] += some
                    break
            else:
                made.append({"Version": "2012-10-17", "Statement": some})
    return made


def _service(statement: Policy) -> str:
    listed = statement["Action"]
    return str(listed if isinstance(listed, str) else listed[0]).split(":")[0]


def _fits(there: list[Policy], more: list[Policy], room: int) -> bool:
    return policy_size({"Version": "2012-10-17", "Statement": [*there, *more]}) <= room


def _parts(statement: Policy, room: int) -> list[Policy]:
    if policy_size({"Version": "2012-10-17", "Statement": [statement]}) <= room:
        return [statement]
    listed = statement["Action"]
    if isinstance(listed, str) or len(listed) < 2:
        raise ValueError(f"{listed} does not fit into a policy")
    half = len(listed) // 2
    return [part for some in (listed[:half], listed[half:]) for part in _parts({**statement, "Action": some}, room)]


def _names(environment: str) -> dict[str, str]:
    name, account = f"slipway-{environment}", "123456789012"
    return {"name": name, "project": "slipway", "environment": environment, "region": "eu-west-1", "account": account}


def filled(text: str, environment: str = "production") -> list[Policy]:
    """The policies in a content of the file, with names as the role fills them in."""
    for placeholder, value in _names(environment).items():
        text = text.replace(f"@{placeholder.upper()}@", value)
    found: list[Policy] = json.loads(text)
    return found


def boundary(environment: str = "production") -> Policy:
    """What the role lets nobody attach more than to a deployer, with its names filled in."""
    loader = DataLoader()
    variables = loader.load_from_file(str(ROLE / "vars" / "main.yml"), trusted_as_template=True)
    names = {f"aws_deployers_{name}": value for name, value in _names(environment).items()}
    variables |= names | {"aws_deployers_account_id": names["aws_deployers_account"]}
    made: Policy = Templar(loader=loader, variables=variables).template(variables["__aws_deployers_boundary"])
    return made


def rendered(calls: Iterable[Call]) -> str:
    """The content of the file."""
    return json.dumps(policies(calls), indent=2) + "\n"


def differences(there: str, wanted: str) -> list[str]:
    """What one content of the file allows and another does not, one sentence for each action."""
    before, after = allowed(there), allowed(wanted)
    found = []
    for action in sorted(before.keys() | after.keys()):
        if action not in before:
            found.append(f"+ {action} of {after[action]}")
        elif action not in after:
            found.append(f"- {action}, which nothing asks for")
        elif before[action] != after[action]:
            found.append(f"~ {action} of {after[action]}, not {before[action]}")
    return found


def allowed(text: str) -> dict[str, str]:
    """What a content of the file allows: action -> resources and condition."""
    found: dict[str, str] = {}
    for policy in json.loads(text):
        for statement in policy["Statement"]:
            listed = statement["Action"]
            what = json.dumps([statement["Resource"], statement.get("Condition", {})])
            found |= dict.fromkeys([listed] if isinstance(listed, str) else listed, what)
    return found
