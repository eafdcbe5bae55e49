"""Calls of the CloudFront API. https://docs.aws.amazon.com/cloudfront/latest/APIReference/Welcome.html

Every object of CloudFront carries an ETag; a change names the ETag of the version that it read (``IfMatch``), so two
writers cannot overwrite each other: the later one fails with PreconditionFailed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from ansible_collections.slipway.aws.plugins.module_utils.aws import Api
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Fields

# CloudFront hears of a certificate that ACM has issued, and of a web ACL, seconds to a minute later; until then it
# says of them what it says of those that do not exist.
# https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateDistribution.html#API_CreateDistribution_Errors
SPREADING = ("InvalidViewerCertificate", "InvalidWebACLId")


def tag_items(tags: Mapping[str, str]) -> Fields:
    """CloudFront's own shape of tags: ``{Items: [{Key, Value}]}``."""
    return {"Items": [{"Key": name, "Value": value} for name, value in tags.items()]}


class CloudFrontApi(Api):
    """One method per call; every one raises AnsibleAWSError, none decides anything."""

    def shape(self, name: str) -> Any:
        """The botocore model of a structure, for :mod:`service_model`."""
        return self.client.meta.service_model.shape_for(name)

    # origin access controls: https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_OriginAccessControl.html

    def origin_access_controls(self) -> list[Fields]:
        """Summaries: ``{Id, Name, Description, SigningProtocol, SigningBehavior, OriginAccessControlOriginType}``."""
        return self.pages(
            "list the origin access controls", "list_origin_access_controls", "OriginAccessControlList.Items"
        )

    def origin_access_control(self, identity: str) -> Fields | None:
        """``{OriginAccessControl: {Id, OriginAccessControlConfig}, ETag}`` or None."""
        return self.call_if_exists(
            f"read the origin access control {identity}",
            "get_origin_access_control",
            missing=("NoSuchOriginAccessControl",),
            Id=identity,
        )

    def create_origin_access_control(self, config: Fields) -> Fields:
        return self.call(
            f"create the origin access control {config['Name']}",
            "create_origin_access_control",
            OriginAccessControlConfig=config,
        )

    def update_origin_access_control(self, identity: str, etag: str, config: Fields) -> Fields:
        return self.call(
            f"update the origin access control {config['Name']}",
            "update_origin_access_control",
            Id=identity,
            IfMatch=etag,
            OriginAccessControlConfig=config,
        )

    def delete_origin_access_control(self, identity: str, etag: str) -> None:
        self.call_if_exists(
            f"delete the origin access control {identity}",
            "delete_origin_access_control",
            missing=("NoSuchOriginAccessControl",),
            Id=identity,
            IfMatch=etag,
        )

    # functions: https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_FunctionSummary.html

    def function(self, name: str, stage: str) -> Fields | None:
        """``{FunctionSummary: {Name, Status, FunctionConfig, FunctionMetadata}, ETag}`` of one stage, or None."""
        return self.call_if_exists(
            f"describe the CloudFront function {name} ({stage})",
            "describe_function",
            missing=("NoSuchFunctionExists",),
            Name=name,
            Stage=stage,
        )

    def function_code(self, name: str, stage: str) -> bytes:
        """The source of one stage."""
        answer = self.call(
            f"read the code of the CloudFront function {name} ({stage})",
            "get_function",
            Name=name,
            Stage=stage,
        )
        return cast(bytes, answer["FunctionCode"].read())

    def create_function(self, name: str, config: Fields, code: bytes, tags: Mapping[str, str]) -> Fields:
        extra = {"Tags": tag_items(tags)} if tags else {}
        return self.call(
            f"create the CloudFront function {name}",
            "create_function",
            Name=name,
            FunctionConfig=config,
            FunctionCode=code,
            **extra,
        )

    def update_function(self, name: str, etag: str, config: Fields, code: bytes) -> Fields:
        return self.call(
            f"update the CloudFront function {name}",
            "update_function",
            Name=name,
            IfMatch=etag,
            FunctionConfig=config,
            FunctionCode=code,
        )

    def publish_function(self, name: str, etag: str) -> Fields:
        """``etag`` is that of the DEVELOPMENT stage, which becomes LIVE."""
        return self.call(f"publish the CloudFront function {name}", "publish_function", Name=name, IfMatch=etag)

    def delete_function(self, name: str, etag: str) -> None:
        self.call_if_exists(
            f"delete the CloudFront function {name}",
            "delete_function",
            missing=("NoSuchFunctionExists",),
            Name=name,
            IfMatch=etag,
        )

    # policies

    def policies(self, kind: str, origin: str) -> list[Fields]:
        """Items of ListCachePolicies, ListOriginRequestPolicies or ListResponseHeadersPolicies.

        ``kind``: ``cache``, ``origin_request`` or ``response_headers``; ``origin``: ``managed`` or ``custom``.
        """
        words = kind.replace("_", " ")
        family = "".join(part.capitalize() for part in kind.split("_"))
        return self.pages(
            f"list the {origin} {words} policies",
            f"list_{kind}_policies",
            f"{family}PolicyList.Items",
            Type=origin,
        )

    def response_headers_policy(self, identity: str) -> Fields | None:
        """``{ResponseHeadersPolicy: {Id, ResponseHeadersPolicyConfig}, ETag}`` or None."""
        return self.call_if_exists(
            f"read the response headers policy {identity}",
            "get_response_headers_policy",
            missing=("NoSuchResponseHeadersPolicy",),
            Id=identity,
        )

    def create_response_headers_policy(self, config: Fields) -> Fields:
        return self.call(
            f"create the response headers policy {config['Name']}",
            "create_response_headers_policy",
            ResponseHeadersPolicyConfig=config,
        )

    def update_response_headers_policy(self, identity: str, etag: str, config: Fields) -> Fields:
        return self.call(
            f"update the response headers policy {config['Name']}",
            "update_response_headers_policy",
            Id=identity,
            IfMatch=etag,
            ResponseHeadersPolicyConfig=config,
        )

    def delete_response_headers_policy(self, identity: str, etag: str) -> None:
        self.call_if_exists(
            f"delete the response headers policy {identity}",
            "delete_response_headers_policy",
            missing=("NoSuchResponseHeadersPolicy",),
            Id=identity,
            IfMatch=etag,
        )

    # distributions: https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Distribution.html

    def distributions(self) -> list[Fields]:
        """Summaries with ``Id``, ``ARN`` and ``Aliases``, but without the caller reference."""
        return self.pages("list the distributions", "list_distributions", "DistributionList.Items")

    def distribution(self, identity: str) -> Fields | None:
        """``{Distribution: {Id, ARN, Status, DomainName, DistributionConfig}, ETag}`` or None."""
        return self.call_if_exists(
            f"read the distribution {identity}",
            "get_distribution",
            missing=("NoSuchDistribution",),
            Id=identity,
        )

    def create_distribution(self, config: Fields, tags: Mapping[str, str]) -> Fields:
        return self.call(
            "create the distribution",
            "create_distribution_with_tags",
            spreading=SPREADING,
            DistributionConfigWithTags={"DistributionConfig": config, "Tags": tag_items(tags)},
        )

    def update_distribution(self, identity: str, etag: str, config: Fields) -> Fields:
        return self.call(
            f"update the distribution {identity}",
            "update_distribution",
            spreading=SPREADING,
            Id=identity,
            IfMatch=etag,
            DistributionConfig=config,
        )

    def delete_distribution(self, identity: str, etag: str) -> None:
        # Right after "Deployed" CloudFront may still answer that it is not disabled everywhere.
        self.call_if_exists(
            f"delete the distribution {identity}",
            "delete_distribution",
            missing=("NoSuchDistribution",),
            retry_on=("DistributionNotDisabled",),
            Id=identity,
            IfMatch=etag,
        )

    # tags: https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_TagResource.html

    def tags(self, arn: str) -> dict[str, str]:
        answer = self.call(f"list the tags of {arn}", "list_tags_for_resource", Resource=arn)
        return {tag["Key"]: tag.get("Value", "") for tag in answer.get("Tags", {}).get("Items") or []}

    def change_tags(self, arn: str, to_set: Mapping[str, str], to_remove: Sequence[str]) -> None:
        if to_remove:
            self.call(f"untag {arn}", "untag_resource", Resource=arn, TagKeys={"Items": list(to_remove)})
        if to_set:
            self.call(f"tag {arn}", "tag_resource", Resource=arn, Tags=tag_items(to_set))
