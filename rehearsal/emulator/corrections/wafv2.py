"""WAF: what a web ACL protects, and what AWS adds to a rate limit that was given without its window."""

from __future__ import annotations

import copy
import json
from typing import Any

from moto.cloudfront.models import cloudfront_backends
from moto.wafv2.exceptions import WAFNonexistentItemException, WAFv2ClientError
from moto.wafv2.models import GLOBAL_REGION, FakeRule, FakeWebACL, WAFV2Backend, wafv2_backends
from moto.wafv2.responses import WAFV2Response

from .registry import correct

#: https://docs.aws.amazon.com/waf/latest/APIReference/API_RateBasedStatement.html
_DEFAULT_WINDOW_SECONDS = 300

_rule_to_dict = FakeRule.to_dict
_associate_web_acl = WAFV2Backend.associate_web_acl
_delete_web_acl = WAFV2Backend.delete_web_acl
_put_logging_configuration = WAFV2Backend.put_logging_configuration


@correct(FakeRule, "to_dict")
def rule_to_dict(self: FakeRule) -> dict[str, Any]:
    """A rate limit says its window.

    https://docs.aws.amazon.com/waf/latest/APIReference/API_RateBasedStatement.html
    """
    rule = copy.deepcopy(_rule_to_dict(self))
    if rate := rule["Statement"].get("RateBasedStatement"):
        rate.setdefault("EvaluationWindowSec", _DEFAULT_WINDOW_SECONDS)
    return rule


def _web_acl(backend: WAFV2Backend, arn: str) -> FakeWebACL:
    """Raises WAFNonexistentItemException. ACLs of CloudFront live in a backend of their own."""
    region = GLOBAL_REGION if ":global/" in arn else backend.region_name
    found = wafv2_backends[backend.account_id][region].wacls.get(arn)
    if found is None:
        raise WAFNonexistentItemException
    return found


@correct(WAFV2Backend, "associate_web_acl")
def associate_web_acl(self: WAFV2Backend, web_acl_arn: str, resource_arn: str) -> None:
    """A resource has one web ACL: the new one takes the place of the old one.

    https://docs.aws.amazon.com/waf/latest/APIReference/API_AssociateWebACL.html
    """
    _web_acl(self, web_acl_arn)
    for acl in self.wacls.values():
        acl.associated_resources = [arn for arn in acl.associated_resources if arn != resource_arn]
    _associate_web_acl(self, web_acl_arn, resource_arn)


@correct(WAFV2Backend, "delete_web_acl")
def delete_web_acl(self: WAFV2Backend, name: str, scope: str, _id: str, lock_token: str) -> None:
    """Not while it protects something.

    https://docs.aws.amazon.com/waf/latest/APIReference/API_DeleteWebACL.html
    """
    acl = next((one for one in self.wacls.values() if one.id == _id), None)
    distributions: Any = cloudfront_backends[self.account_id]["aws"].distributions.values()
    if acl and (acl.associated_resources or any(one.config["WebACLId"] == acl.arn for one in distributions)):
        raise WAFv2ClientError(
            "WAFAssociatedItemException",
            "AWS WAF did not delete the web ACL: it is associated with another resource.",
        )
    _delete_web_acl(self, name, scope, _id, lock_token)


@correct(WAFV2Response, "list_resources_for_web_acl")
def list_resources_for_web_acl(self: WAFV2Response) -> tuple[int, dict[str, str], str]:
    """Load balancers unless the request names another kind.

    https://docs.aws.amazon.com/waf/latest/APIReference/API_ListResourcesForWebACL.html
    """
    acl = _web_acl(self.wafv2_backend, self._get_param("WebACLArn"))
    kind = self._get_param("ResourceType") or "APPLICATION_LOAD_BALANCER"
    part = ":loadbalancer/app/" if kind == "APPLICATION_LOAD_BALANCER" else f":{kind.lower().replace('_', '')}"
    arns = [arn for arn in acl.associated_resources if part in arn]
    return 200, {"Content-Type": "application/json"}, json.dumps({"ResourceArns": arns})


@correct(WAFV2Backend, "put_logging_configuration")
def put_logging_configuration(self: WAFV2Backend, arn: str, *rest: Any) -> Any:
    """The web ACL has to exist.

    https://docs.aws.amazon.com/waf/latest/APIReference/API_PutLoggingConfiguration.html
    """
    _web_acl(self, arn)
    return _put_logging_configuration(self, arn, *rest)
