"""Tables of policies, requests and the answers that AWS documents."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.policy import (
    Effect,
    MalformedPolicyError,
    Principal,
    Request,
    UnsupportedPolicyError,
    evaluate,
    parse,
    substitute,
    trusts,
    wildcard,
)

ACCOUNT = "123456789012"
ROLE = Principal(
    arn=f"arn:aws:iam::{ACCOUNT}:role/web",
    account=ACCOUNT,
    session_arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/web/i-1",
)
CLOUDFRONT = Principal(service="cloudfront.amazonaws.com")
OBJECT = "arn:aws:s3:::site-frontend/index.html"


def policy(**statement: Any) -> dict[str, Any]:
    base = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [{**base, **statement}]}


def decide(request: Request, *identity: dict[str, Any], resource: tuple[dict[str, Any], ...] = ()) -> Effect:
    return evaluate(request, [parse(p) for p in identity], [parse(p) for p in resource]).effect


def get_object(**context: Any) -> Request:
    return Request(ROLE, "s3:GetObject", OBJECT, context)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ({}, Effect.ALLOW),
        ({"Action": "s3:GetObject"}, Effect.ALLOW),
        ({"Action": "S3:getobject"}, Effect.ALLOW),
        ({"Action": ["s3:Put*", "s3:Get*"]}, Effect.ALLOW),
        ({"Action": "s3:GetObjec?"}, Effect.ALLOW),
        ({"Action": "s3:Put*"}, Effect.IMPLICIT_DENY),
        ({"Action": "ec2:*"}, Effect.IMPLICIT_DENY),
        ({"Resource": OBJECT}, Effect.ALLOW),
        ({"Resource": "arn:aws:s3:::site-frontend/*"}, Effect.ALLOW),
        ({"Resource": "arn:aws:s3:::site-frontend"}, Effect.IMPLICIT_DENY),
        ({"Resource": "arn:aws:s3:::SITE-frontend/*"}, Effect.IMPLICIT_DENY),
        ({"Effect": "Deny"}, Effect.EXPLICIT_DENY),
        ({"Effect": "Deny", "Action": "s3:Put*"}, Effect.IMPLICIT_DENY),
    ],
)
def test_action_and_resource(statement: dict[str, Any], expected: Effect) -> None:
    assert decide(get_object(), policy(**statement)) is expected


def test_not_action_and_not_resource() -> None:
    but_iam = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
    }
    assert decide(get_object(), but_iam) is Effect.ALLOW
    assert decide(Request(ROLE, "iam:CreateUser", "*"), but_iam) is Effect.IMPLICIT_DENY
    elsewhere = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::other/*"},
    }
    assert decide(get_object(), policy(), elsewhere) is Effect.EXPLICIT_DENY


def test_an_explicit_deny_beats_every_allow_and_names_its_statement() -> None:
    deny = policy(Effect="Deny", Sid="NoIndex", Resource=OBJECT)
    decision = evaluate(get_object(), [parse(policy(), "admin"), parse(deny, "limits")])
    assert decision.effect is Effect.EXPLICIT_DENY
    assert decision.statement is not None
    assert (decision.statement.policy, decision.statement.name) == ("limits", "NoIndex")


def test_nothing_said_is_no() -> None:
    assert decide(get_object()) is Effect.IMPLICIT_DENY


@pytest.mark.parametrize(
    ("condition", "context", "expected"),
    [
        ({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, {"aws:PrincipalOrgID": "o-1"}, True),
        ({"StringEquals": {"AWS:principalorgid": "o-1"}}, {"aws:PrincipalOrgID": "o-1"}, True),
        ({"StringEquals": {"aws:PrincipalOrgID": ["o-2", "o-1"]}}, {"aws:PrincipalOrgID": "o-1"}, True),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-*"}}, {"aws:PrincipalOrgID": "o-1"}, False),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, {}, False),
        ({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}, {}, True),
        ({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}, {"aws:PrincipalOrgID": "o-2"}, False),
        ({"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}, {}, True),
        ({"StringNotEquals": {"aws:PrincipalOrgID": ["o-1", "o-2"]}}, {"aws:PrincipalOrgID": "o-2"}, False),
        ({"StringLike": {"s3:prefix": "releases/*"}}, {"s3:prefix": "releases/1"}, True),
        ({"StringNotLike": {"s3:prefix": "releases/*"}}, {"s3:prefix": "logs/1"}, True),
        ({"StringEqualsIgnoreCase": {"s3:prefix": "A"}}, {"s3:prefix": "a"}, True),
        ({"Bool": {"aws:SecureTransport": "false"}}, {"aws:SecureTransport": "true"}, False),
        ({"Bool": {"aws:SecureTransport": True}}, {"aws:SecureTransport": "true"}, True),
        ({"Bool": {"aws:SecureTransport": "false"}}, {}, False),
        ({"BoolIfExists": {"aws:SecureTransport": "false"}}, {}, True),
        ({"Null": {"aws:TokenIssueTime": "true"}}, {}, True),
        ({"Null": {"aws:TokenIssueTime": "false"}}, {}, False),
        ({"NumericLessThan": {"s3:max-keys": "10"}}, {"s3:max-keys": "9"}, True),
        ({"NumericGreaterThanEquals": {"s3:max-keys": "10"}}, {"s3:max-keys": "9"}, False),
        (
            {"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}},
            {"aws:CurrentTime": "2026-01-01T00:00:00Z"},
            True,
        ),
        ({"DateGreaterThan": {"aws:EpochTime": "0"}}, {"aws:EpochTime": "1700000000"}, True),
        ({"IpAddress": {"aws:SourceIp": "10.20.0.0/16"}}, {"aws:SourceIp": "10.20.1.4"}, True),
        ({"NotIpAddress": {"aws:SourceIp": "10.20.0.0/16"}}, {"aws:SourceIp": "10.20.1.4"}, False),
        (
            {"ArnLike": {"aws:SourceArn": f"arn:aws:cloudfront::{ACCOUNT}:distribution/*"}},
            {"aws:SourceArn": f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1"},
            True,
        ),
        (
            {"ArnEquals": {"aws:SourceArn": "arn:aws:*::1:distribution/E1"}},
            {"aws:SourceArn": f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1"},
            False,
        ),
        ({"ForAnyValue:StringEquals": {"aws:TagKeys": ["a", "b"]}}, {"aws:TagKeys": ["b", "c"]}, True),
        ({"ForAnyValue:StringEquals": {"aws:TagKeys": ["a"]}}, {}, False),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}}, {"aws:TagKeys": ["b", "c"]}, False),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}}, {}, True),
        ({"StringEquals": {"a:x": "1"}, "StringLike": {"a:y": "2*"}}, {"a:x": "1", "a:y": "3"}, False),
        ({"StringEquals": {"a:x": "1", "a:y": "2"}}, {"a:x": "1", "a:y": "2"}, True),
    ],
)
def test_conditions(condition: dict[str, Any], context: dict[str, Any], expected: bool) -> None:
    assert (decide(get_object(**context), policy(Condition=condition)) is Effect.ALLOW) is expected


@pytest.mark.parametrize(
    "condition",
    [
        {"StringMatches": {"a:b": "c"}},
        {"ForSomeValue:StringEquals": {"a:b": "c"}},
        {"NullIfExists": {"a:b": "true"}},
    ],
)
def test_an_unknown_operator_is_an_error_even_in_an_allow(condition: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedPolicyError, match="unknown"):
        parse(policy(Condition=condition))


@pytest.mark.parametrize(
    "document",
    [
        "{",
        {},
        {"Statement": ["x"]},
        {"Version": "2013", "Statement": []},
        policy(Effect="Maybe"),
        policy(NotAction="s3:*"),
        policy(NotResource="*"),
    ],
)
def test_what_is_no_policy_is_refused(document: Any) -> None:
    with pytest.raises(MalformedPolicyError):
        parse(document)


def test_an_unknown_element_is_refused() -> None:
    with pytest.raises(UnsupportedPolicyError, match="Resources"):
        parse(policy(Resources="*"))


class TestResourcePolicies:
    def bucket_policy(self, **statement: Any) -> dict[str, Any]:
        return policy(
            Principal={"Service": "cloudfront.amazonaws.com"},
            Action="s3:GetObject",
            Resource="arn:aws:s3:::site-frontend/*",
            Condition={"StringEquals": {"AWS:SourceArn": f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1"}},
            **statement,
        )

    def test_the_distribution_named_may_read(self) -> None:
        request = Request(
            CLOUDFRONT,
            "s3:GetObject",
            OBJECT,
            {"aws:SourceArn": f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1"},
        )
        assert decide(request, resource=(self.bucket_policy(),)) is Effect.ALLOW

    def test_another_distribution_may_not(self) -> None:
        request = Request(
            CLOUDFRONT,
            "s3:GetObject",
            OBJECT,
            {"aws:SourceArn": f"arn:aws:cloudfront::{ACCOUNT}:distribution/E2"},
        )
        assert decide(request, resource=(self.bucket_policy(),)) is Effect.IMPLICIT_DENY

    @pytest.mark.parametrize(
        ("principal", "who", "expected"),
        [
            ("*", Principal(), True),
            ({"AWS": "*"}, Principal(), True),
            ({"AWS": "*"}, ROLE, True),
            # The account's name alone leaves the decision to the role's own policies, which say nothing here.
            ({"AWS": ACCOUNT}, ROLE, False),
            ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, ROLE, False),
            ({"AWS": [f"arn:aws:iam::{ACCOUNT}:root", ROLE.arn]}, ROLE, True),
            ({"AWS": "arn:aws:iam::210987654321:root"}, ROLE, False),
            ({"AWS": ROLE.arn}, ROLE, True),
            ({"AWS": ROLE.session_arn}, ROLE, True),
            ({"AWS": f"arn:aws:iam::{ACCOUNT}:role/other"}, ROLE, False),
            ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, Principal(), False),
            ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, CLOUDFRONT, False),
            ({"Service": "ec2.amazonaws.com"}, CLOUDFRONT, False),
            ({"Service": ["ec2.amazonaws.com", "cloudfront.amazonaws.com"]}, CLOUDFRONT, True),
            ({"Federated": "token.example"}, Principal(federated="token.example"), True),
        ],
    )
    def test_principals(self, principal: Any, who: Principal, expected: bool) -> None:
        found = decide(Request(who, "s3:GetObject", OBJECT), resource=(policy(Principal=principal),))
        assert (found is Effect.ALLOW) is expected

    def test_not_principal(self) -> None:
        deny = policy(Effect="Deny", NotPrincipal={"AWS": ROLE.arn})
        assert decide(get_object(), policy(), resource=(deny,)) is Effect.ALLOW
        assert decide(Request(CLOUDFRONT, "s3:GetObject", OBJECT), resource=(deny,)) is Effect.EXPLICIT_DENY

    def test_a_denied_insecure_transport_does_not_touch_a_secure_one(self) -> None:
        deny = policy(Effect="Deny", Principal="*", Condition={"Bool": {"aws:SecureTransport": "false"}})
        secure, insecure = {"aws:SecureTransport": "true"}, {"aws:SecureTransport": "false"}
        assert decide(get_object(**secure), policy(), resource=(deny,)) is Effect.ALLOW
        assert decide(get_object(**insecure), policy(), resource=(deny,)) is Effect.EXPLICIT_DENY

    def test_a_statement_without_principal_is_no_resource_policy(self) -> None:
        with pytest.raises(MalformedPolicyError, match="Principal"):
            decide(get_object(), resource=(policy(),))


def test_a_deny_for_the_account_denies_its_roles() -> None:
    deny = policy(Effect="Deny", Principal={"AWS": ACCOUNT})
    assert decide(get_object(), policy(), resource=(deny,)) is Effect.EXPLICIT_DENY


def test_a_key_policy_that_names_the_account_asks_for_the_identity_too() -> None:
    root = policy(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, Action="kms:*")
    decrypt = Request(ROLE, "kms:Decrypt", "arn:aws:kms:eu-west-1:123456789012:key/1")
    assert trusts(root, decrypt).by == "account"
    assert trusts(policy(Principal={"AWS": ROLE.arn}), decrypt).by == "resource"


def test_boundary_and_session_policy_limit_the_identity() -> None:
    reading = parse(policy(Action="s3:Get*"))
    writing = Request(ROLE, "s3:PutObject", OBJECT)
    everything = [parse(policy())]
    assert evaluate(get_object(), everything, boundary=reading, session=reading).allowed
    assert evaluate(writing, everything, boundary=reading).by == "boundary"
    assert evaluate(writing, everything, session=reading).by == "session"
    assert not evaluate(get_object(), [], boundary=reading).allowed


class TestVariables:
    def test_a_value_takes_the_place_of_its_variable(self) -> None:
        own = policy(Resource="arn:aws:s3:::site-frontend/${aws:PrincipalTag/Team}/*")
        inside = Request(ROLE, "s3:GetObject", "arn:aws:s3:::site-frontend/a/x", {"aws:PrincipalTag/Team": "a"})
        assert decide(inside, own) is Effect.ALLOW
        outside = Request(ROLE, "s3:GetObject", "arn:aws:s3:::site-frontend/b/x", {"aws:PrincipalTag/Team": "a"})
        assert decide(outside, own) is Effect.IMPLICIT_DENY

    def test_a_wildcard_in_a_value_stays_a_character(self) -> None:
        own = policy(Resource="arn:aws:s3:::site-frontend/${aws:PrincipalTag/Team}/*")
        request = Request(ROLE, "s3:GetObject", "arn:aws:s3:::site-frontend/b/x", {"aws:PrincipalTag/Team": "*"})
        assert decide(request, own) is Effect.IMPLICIT_DENY

    def test_without_value_the_statement_does_not_match(self) -> None:
        assert decide(get_object(), policy(Resource="arn:aws:s3:::${aws:username}/*")) is Effect.IMPLICIT_DENY

    def test_default_and_literals(self) -> None:
        assert substitute("${aws:username, 'nobody'}", get_object()) == "nobody"
        assert wildcard(substitute("a${*}", get_object()) or "", "a*")
        assert not wildcard(substitute("a${*}", get_object()) or "", "ab")

    def test_in_a_condition(self) -> None:
        same = policy(Condition={"StringEquals": {"aws:ResourceTag/Team": "${aws:PrincipalTag/Team}"}})
        request = get_object(**{"aws:ResourceTag/Team": "a", "aws:PrincipalTag/Team": "a"})
        assert decide(request, same) is Effect.ALLOW


def test_brackets_in_a_pattern_are_characters() -> None:
    assert wildcard("a[bc]*", "a[bc]d")
    assert not wildcard("a[bc]*", "abd")


def test_a_trust_policy_has_no_resource() -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ],
    }
    ec2 = Request(Principal(service="ec2.amazonaws.com"), "sts:AssumeRole", ROLE.arn)
    assert trusts(trust, ec2).allowed
    assert not trusts(trust, Request(ROLE, "sts:AssumeRole", ROLE.arn)).allowed
