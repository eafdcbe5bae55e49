"""Who may do what: the evaluation of IAM and resource policies, as pure functions.

Within one account an explicit Deny anywhere wins; otherwise one Allow, in a policy of the identity or of
the resource, is enough; otherwise the answer is no. What this module does not know (a condition operator, a
policy element) raises `UnsupportedPolicyError`: it never lets anything pass by misunderstanding.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from fnmatch import translate
from functools import lru_cache
from typing import Any


class MalformedPolicyError(ValueError):
    """The document is no policy: not JSON, or an element has the wrong form."""


class UnsupportedPolicyError(ValueError):
    """The policy uses something that this evaluator does not know."""


class Effect(StrEnum):
    """What the evaluation ends with."""

    ALLOW = "Allow"
    #: A statement says Deny.
    EXPLICIT_DENY = "ExplicitDeny"
    #: No statement says Allow.
    IMPLICIT_DENY = "ImplicitDeny"


@dataclass(frozen=True)
class Principal:
    """Who asks. All fields may be empty: nobody at all is the anonymous caller.

    `arn` is what AWS calls aws:PrincipalArn: of a role's session it is the role's ARN. `session_arn` is the ARN
    of the session itself. `service` is set (`cloudfront.amazonaws.com`) when an AWS service asks for itself.
    """

    arn: str = ""
    account: str = ""
    session_arn: str = ""
    service: str = ""
    federated: str = ""

    @property
    def anonymous(self) -> bool:
        """Whether nobody signed the request."""
        return not (self.arn or self.service or self.federated)


@dataclass(frozen=True)
class Request:
    """One attempt: `principal` wants `action` (`s3:GetObject`) on `resource`.

    `resource` is an ARN, or `*` for actions that AWS does not tie to a resource. `context` maps condition keys,
    in any case, to one or several values.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """

    principal: Principal
    action: str
    resource: str
    context: Mapping[str, str | Sequence[str]] = field(default_factory=dict)

    def values(self, key: str) -> tuple[str, ...]:
        """The values of a condition key; an absent key has none."""
        wanted = key.lower()
        for name, value in self.context.items():
            if name.lower() == wanted:
                return (value,) if isinstance(value, str) else tuple(value)
        return ()


@dataclass(frozen=True)
class Statement:
    """One statement of a policy, and where it stands (`policy`, `position` from 0)."""

    policy: str
    position: int
    element: Mapping[str, Any]

    @property
    def name(self) -> str:
        """How a message calls it: by its Sid, or by its place."""
        return str(self.element.get("Sid") or f"statement {self.position}")

    @property
    def allows(self) -> bool:
        """Whether its Effect is Allow."""
        return bool(self.element["Effect"] == "Allow")


@dataclass(frozen=True)
class Decision:
    """The answer, and the statement that decided (None when none spoke up)."""

    effect: Effect
    statement: Statement | None = None
    #: "identity", "resource", "boundary" or "session": which sort of policy said no.
    by: str = "identity"

    @property
    def allowed(self) -> bool:
        """Whether the attempt may go on."""
        return self.effect is Effect.ALLOW


@dataclass(frozen=True)
class Policy:
    """A policy document with its name; `parse` makes it."""

    name: str
    statements: tuple[Statement, ...]


_ELEMENTS = {
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
}


def parse(document: str | Mapping[str, Any], name: str = "policy") -> Policy:
    """Read a policy document.

    Raises MalformedPolicyError when it is not one, UnsupportedPolicyError when an element is unknown.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
    """
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except json.JSONDecodeError as error:
            raise MalformedPolicyError(f"{name}: {error}") from error
    if not isinstance(document, Mapping) or "Statement" not in document:
        raise MalformedPolicyError(f"{name}: there is no Statement")
    version = document.get("Version", "2008-10-17")
    if version not in ("2012-10-17", "2008-10-17"):
        raise MalformedPolicyError(f"{name}: Version {version!r} is unknown")
    elements = _list(document["Statement"])
    statements = []
    for position, element in enumerate(elements):
        where = f"{name}, statement {position}"
        if not isinstance(element, Mapping):
            raise MalformedPolicyError(f"{where}: is not an object")
        if unknown := set(element) - _ELEMENTS:
            raise UnsupportedPolicyError(f"{where}: {', '.join(sorted(unknown))} is unknown")
        if element.get("Effect") not in ("Allow", "Deny"):
            raise MalformedPolicyError(f"{where}: Effect is {element.get('Effect')!r}")
        if ("Action" in element) == ("NotAction" in element):
            raise MalformedPolicyError(f"{where}: exactly one of Action and NotAction is needed")
        if "Resource" in element and "NotResource" in element:
            raise MalformedPolicyError(f"{where}: Resource and NotResource exclude each other")
        for operator in element.get("Condition", {}):
            _operator(operator)
        statements.append(Statement(name, position, element))
    return Policy(name, tuple(statements))


def evaluate(
    request: Request,
    identity: Iterable[Policy] = (),
    resource: Iterable[Policy] = (),
    *,
    boundary: Policy | None = None,
    session: Policy | None = None,
) -> Decision:
    """Decide an attempt within one account.

    `identity` are the policies of the caller, `resource` those of the thing. A permissions boundary and a
    session policy limit what the identity's policies give, not what a resource's policy gives to the caller. A
    resource's policy that names the whole account leaves the answer to the identity's policies.
    """
    identity, resource = tuple(identity), tuple(resource)
    limits = [policy for policy in (boundary, session) if policy is not None]
    for policies, by in ((identity, "identity"), (resource, "resource"), (limits, "boundary")):
        for statement in _matching(request, policies, with_principal=by == "resource"):
            if not statement.allows:
                return Decision(Effect.EXPLICIT_DENY, statement, by)
    for statement in _matching(request, resource, with_principal=True):
        if statement.allows and not _names_account_only(statement.element, request.principal):
            return Decision(Effect.ALLOW, statement, "resource")
    granted = next((s for s in _matching(request, identity, with_principal=False) if s.allows), None)
    if granted is None:
        return Decision(Effect.IMPLICIT_DENY, None, "identity")
    for limit, by in ((boundary, "boundary"), (session, "session")):
        if limit is not None and not any(s.allows for s in _matching(request, [limit], with_principal=False)):
            return Decision(Effect.IMPLICIT_DENY, None, by)
    return Decision(Effect.ALLOW, granted, "identity")


def trusts(document: str | Mapping[str, Any], request: Request) -> Decision:
    """Decide by a resource's policy alone: a role's trust policy, or a KMS key's policy.

    Nothing else opens such a resource. When the statement that allows names the whole account, `by` is
    "account": the policies of the caller must then allow the action too.
    """
    policy = parse(document, "trust policy")
    matching = list(_matching(request, [policy], with_principal=True))
    for statement in matching:
        if not statement.allows:
            return Decision(Effect.EXPLICIT_DENY, statement, "resource")
    for statement in matching:
        if not _names_account_only(statement.element, request.principal):
            return Decision(Effect.ALLOW, statement, "resource")
    if matching:
        return Decision(Effect.ALLOW, matching[0], "account")
    return Decision(Effect.IMPLICIT_DENY, None, "resource")


def _matching(request: Request, policies: Iterable[Policy], *, with_principal: bool) -> Iterable[Statement]:
    for policy in policies:
        for statement in policy.statements:
            element = statement.element
            if with_principal and not _principal_matches(element, request.principal):
                continue
            if (
                _action_matches(element, request.action)
                and _resource_matches(element, request)
                and _conditions_match(element.get("Condition", {}), request)
            ):
                yield statement


def _principal_matches(element: Mapping[str, Any], principal: Principal) -> bool:
    if "NotPrincipal" in element:
        return not _principal_listed(element["NotPrincipal"], principal)
    if "Principal" not in element:
        raise MalformedPolicyError("a resource's policy needs a Principal in every statement")
    return _principal_listed(element["Principal"], principal)


def _principal_listed(listed: Any, principal: Principal) -> bool:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"""
    if listed == "*":
        return True
    if not isinstance(listed, Mapping):
        raise MalformedPolicyError(f"Principal is {listed!r}")
    for sort, values in listed.items():
        names = [str(value) for value in _list(values)]
        match sort:
            case "AWS":
                if any(_aws_principal_matches(name, principal) for name in names):
                    return True
            case "Service":
                if principal.service and principal.service in names:
                    return True
            case "Federated":
                if principal.federated and principal.federated in names:
                    return True
            case _:
                raise UnsupportedPolicyError(f"principals of the sort {sort} are unknown")
    return False


_ACCOUNT = re.compile(r"(?:arn:aws:iam::)?(\d{12})(?::root)?")


def _names_account_only(element: Mapping[str, Any], principal: Principal) -> bool:
    """Whether the principal matches only because its whole account is named."""
    listed = element.get("Principal")
    if not isinstance(listed, Mapping) or principal.service or principal.anonymous:
        return False
    names = [name for name in _list(listed.get("AWS", [])) if _aws_principal_matches(str(name), principal)]
    return bool(names) and all(_ACCOUNT.fullmatch(str(name)) for name in names)


def _aws_principal_matches(name: str, principal: Principal) -> bool:
    if name == "*":
        return True
    if principal.service or principal.anonymous:
        return False
    if account := _ACCOUNT.fullmatch(name):
        return principal.account == account[1]
    return name in (principal.arn, principal.session_arn)


def _action_matches(element: Mapping[str, Any], action: str) -> bool:
    key = "Action" if "Action" in element else "NotAction"
    found = any(wildcard(str(pattern).lower(), action.lower()) for pattern in _list(element[key]))
    return found if key == "Action" else not found


def _resource_matches(element: Mapping[str, Any], request: Request) -> bool:
    if "Resource" not in element and "NotResource" not in element:
        return True
    key = "Resource" if "Resource" in element else "NotResource"
    found = any(
        _arn_matches(pattern, request.resource)
        for text in _list(element[key])
        if (pattern := substitute(str(text), request)) is not None
    )
    return found if key == "Resource" else not found


def _arn_matches(pattern: str, resource: str) -> bool:
    return pattern == "*" or wildcard(pattern, resource)


_VARIABLE = re.compile(r"\$\{([^}]*)\}")
#: Stand for the characters themselves: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
_LITERALS = {"*": "[*]", "?": "[?]", "$": "$"}


def substitute(text: str, request: Request) -> str | None:
    """Put the request's values in the place of policy variables such as ${aws:PrincipalAccount}.

    None when a variable has no value (or several) and no default: the statement then does not match.
    """
    missing = False

    def value(match: re.Match[str]) -> str:
        nonlocal missing
        key, _, default = (part.strip() for part in match[1].partition(","))
        if key in _LITERALS:
            return _LITERALS[key]
        values = request.values(key)
        if len(values) == 1:
            # A value with a wildcard in it must not widen the policy.
            return re.sub(r"([*?\[])", r"[\1]", values[0])
        if default:
            return default.strip("'")
        missing = True
        return ""

    result = _VARIABLE.sub(value, text)
    return None if missing else result


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    # IAM knows * and ? alone; a bracket stands for itself, except the ones that `substitute` made.
    parts = (
        part if re.fullmatch(r"\[[*?\[]\]", part) else part.replace("[", "[[]")
        for part in re.split(r"(\[[*?\[]\])", text)
    )
    return re.compile(translate("".join(parts)))


def wildcard(pattern: str, text: str) -> bool:
    """Whether `text` matches a pattern with * (any characters) and ? (any one)."""
    return _pattern(pattern).match(text) is not None


# -- conditions ----------------------------------------------------------------------------------------------


def _conditions_match(conditions: Mapping[str, Any], request: Request) -> bool:
    """All operators, and all keys of each, must hold.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """
    return all(
        _operator(name).holds(key, [str(_json_text(value)) for value in _list(values)], request)
        for name, keys in conditions.items()
        for key, values in keys.items()
    )


def _json_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


Test = Callable[[str, str], bool]


@dataclass(frozen=True)
class _Operator:
    test: Test
    #: A negated operator holds when no value of the policy fits, also when the key is absent.
    negated: bool = False
    if_exists: bool = False
    #: "", "ForAnyValue" or "ForAllValues"
    quantifier: str = ""
    null: bool = False

    def holds(self, key: str, wanted: Sequence[str], request: Request) -> bool:
        actual = request.values(key)
        if self.null:
            return (not actual) is (wanted[0].lower() == "true")
        patterns = [pattern for text in wanted if (pattern := substitute(text, request)) is not None]
        if not actual:
            if self.quantifier == "ForAnyValue":
                return False
            return self.if_exists or self.negated or self.quantifier == "ForAllValues"
        results = [self._fits(value, patterns) for value in actual]
        if self.quantifier == "ForAnyValue":
            return any(results)
        if self.quantifier == "ForAllValues":
            return all(results)
        # Several values without a quantifier: a positive operator asks for one that fits, a negated for none.
        return all(results) if self.negated else any(results)

    def _fits(self, value: str, patterns: Sequence[str]) -> bool:
        found = any(self.test(pattern, value) for pattern in patterns)
        return not found if self.negated else found


def _plain(text: str) -> str:
    """Undo the brackets of `substitute` for operators without wildcards."""
    return re.sub(r"\[([*?\[])\]", r"\1", text)


def _string_equals(pattern: str, value: str) -> bool:
    return _plain(pattern) == value


def _string_equals_ignore_case(pattern: str, value: str) -> bool:
    return _plain(pattern).casefold() == value.casefold()


def _arn_like(pattern: str, value: str) -> bool:
    """Each of the six parts of an ARN is compared by itself."""
    patterns, parts = pattern.split(":", 5), value.split(":", 5)
    return (
        len(patterns) == len(parts) == 6
        and all(wildcard(one, other) for one, other in zip(patterns, parts, strict=True))
    ) or pattern == "*"


def _ip_address(pattern: str, value: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(_plain(pattern), strict=False)


def _bool(pattern: str, value: str) -> bool:
    return pattern.lower() == value.lower()


def _binary_equals(pattern: str, value: str) -> bool:
    try:
        return base64.b64decode(pattern, validate=True) == base64.b64decode(value, validate=True)
    except binascii.Error:
        return False


def _number(compare: Callable[[float, float], bool]) -> Test:
    return lambda pattern, value: compare(float(value), float(_plain(pattern)))


def _date(compare: Callable[[datetime, datetime], bool]) -> Test:
    return lambda pattern, value: compare(_moment(value), _moment(_plain(pattern)))


def _moment(text: str) -> datetime:
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return datetime.fromtimestamp(float(text), UTC)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_TESTS: dict[str, tuple[Test, bool]] = {
    "StringEquals": (_string_equals, False),
    "StringNotEquals": (_string_equals, True),
    "StringEqualsIgnoreCase": (_string_equals_ignore_case, False),
    "StringNotEqualsIgnoreCase": (_string_equals_ignore_case, True),
    "StringLike": (wildcard, False),
    "StringNotLike": (wildcard, True),
    "NumericEquals": (_number(lambda a, b: a == b), False),
    "NumericNotEquals": (_number(lambda a, b: a == b), True),
    "NumericLessThan": (_number(lambda a, b: a < b), False),
    "NumericLessThanEquals": (_number(lambda a, b: a <= b), False),
    "NumericGreaterThan": (_number(lambda a, b: a > b), False),
    "NumericGreaterThanEquals": (_number(lambda a, b: a >= b), False),
    "DateEquals": (_date(lambda a, b: a == b), False),
    "DateNotEquals": (_date(lambda a, b: a == b), True),
    "DateLessThan": (_date(lambda a, b: a < b), False),
    "DateLessThanEquals": (_date(lambda a, b: a <= b), False),
    "DateGreaterThan": (_date(lambda a, b: a > b), False),
    "DateGreaterThanEquals": (_date(lambda a, b: a >= b), False),
    "Bool": (_bool, False),
    "BinaryEquals": (_binary_equals, False),
    "IpAddress": (_ip_address, False),
    "NotIpAddress": (_ip_address, True),
    # AWS treats ArnEquals and ArnLike alike.
    "ArnEquals": (_arn_like, False),
    "ArnLike": (_arn_like, False),
    "ArnNotEquals": (_arn_like, True),
    "ArnNotLike": (_arn_like, True),
}


@lru_cache(maxsize=256)
def _operator(name: str) -> _Operator:
    quantifier, _, rest = name.rpartition(":")
    if quantifier not in ("", "ForAnyValue", "ForAllValues"):
        raise UnsupportedPolicyError(f"the condition operator {name} is unknown")
    if rest == "Null" and not quantifier:
        return _Operator(_string_equals, null=True)
    if_exists = rest.endswith("IfExists")
    base = rest.removesuffix("IfExists")
    if base not in _TESTS:
        raise UnsupportedPolicyError(f"the condition operator {name} is unknown")
    test, negated = _TESTS[base]
    return _Operator(test, negated, if_exists, quantifier)


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
