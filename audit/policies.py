"""The policies in a run's requests, read by parliament.

parliament knows the actions, resources and conditions of every service, privilege escalation and what opens data to
strangers. Its data are those of the day of its release, so actions are compared with cfn-lint's, too.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from audit.recording import Call

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import parliament  # type: ignore[import-untyped]

parliament.override_config(Path(parliament.__file__).parent / "community_auditors" / "config_override.yaml")

EXCEPTIONS = Path(__file__).with_name("policy-exceptions.yml")

#: Where requests hold policies.
_PARAMETERS = ("PolicyDocument", "AssumeRolePolicyDocument", "Policy", "ResourcePolicy", "policyDocument")
_SILENT = ("LOW", "INFO", "MUTE")
#: LOW to parliament, and to us an error: a permission that does not exist.
_LOUD = ("UNKNOWN_ACTION", "UNKNOWN_PREFIX")


@dataclass(frozen=True)
class Document:
    """A policy and whose it is, for example `iam:PutRolePolicy slipway-staging-web`."""

    owner: str
    text: str


@dataclass(frozen=True)
class Finding:
    """One objection of parliament above LOW."""

    owner: str
    issue: str
    severity: str
    detail: str

    def __str__(self) -> str:
        return f"{self.severity} {self.issue} in {self.owner}: {self.detail}"


def documents(calls: Iterable[Call]) -> list[Document]:
    """Every policy that the requests write, once."""
    found: dict[str, Document] = {}
    for call in calls:
        if not call.writes:
            continue
        for owner, text in _policies(call):
            found.setdefault(f"{owner} {text}", Document(owner, text))
    return list(found.values())


def _policies(call: Call) -> Iterator[tuple[str, str]]:
    given: Mapping[str, Any] = (
        {**call.parameters, **call.parameters.get("Attributes", {})}
        if isinstance(call.parameters.get("Attributes"), dict)
        else call.parameters
    )
    if given.get("AttributeName") == "Policy":
        given = {**given, "Policy": given["AttributeValue"]}
    names = ("PolicyName", "RoleName", "Bucket", "Name", "TopicArn", "Description", "KeyId")
    owner = "/".join(str(given[name]) for name in names if given.get(name))
    for name in _PARAMETERS:
        if isinstance(text := given.get(name), str) and text.lstrip().startswith("{"):
            yield f"{call.name} {owner}", text


def _readable(text: str) -> str:
    """A trust policy has no resource, the role itself being it; parliament calls that malformed."""
    policy = json.loads(text)
    for statement in policy["Statement"]:
        if "Principal" in statement:
            statement.setdefault("Resource", "*")
    return json.dumps(policy)


def lint(document: Document) -> list[Finding]:
    """What parliament says above LOW, exceptions included."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        analyzed = parliament.analyze_policy_string(_readable(document.text), include_community_auditors=True)
    found = []
    for finding in analyzed.findings:
        enhanced = parliament.enhance_finding(finding)
        if enhanced.severity not in _SILENT or enhanced.issue in _LOUD:
            detail = json.dumps(enhanced.detail, default=str)
            found.append(Finding(document.owner, enhanced.issue, enhanced.severity, detail))
    return found


def exceptions(path: Path = EXCEPTIONS) -> list[dict[str, str]]:
    """The exceptions: `issue`, `owner` (a part of it), `detail` (a part of it), `reason`."""
    listed: list[dict[str, str]] = yaml.safe_load(path.read_text()) or []
    return listed


def excused_by(finding: Finding, listed: Iterable[Mapping[str, str]]) -> Mapping[str, str] | None:
    """The exception that covers a finding."""
    for one in listed:
        if one["issue"] == finding.issue and one["owner"] in finding.owner and one["detail"] in finding.detail:
            return one
    return None
