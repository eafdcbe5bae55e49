"""Response headers policies as fields."""

from __future__ import annotations

import botocore.session
import pytest
from ansible_collections.slipway.aws.plugins.module_utils.cloudfront_headers import (
    LAYOUT,
    api_fields,
    live_fields,
    policy_fields,
    refuse,
)
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import (
    Change,
    Fields,
    RefusalError,
    differences,
    merged,
)
from ansible_collections.slipway.aws.plugins.module_utils.service_model import from_api, to_api
from botocore.validate import ParamValidator

SHAPE = botocore.session.get_session().get_service_model("cloudfront").shape_for("ResponseHeadersPolicyConfig")

OPTIONS: Fields = {
    "name": "site",
    "comment": "c",
    "security_headers_config": {
        "strict_transport_security": {"access_control_max_age_sec": 60, "preload": None, "override": True},
        "content_type_options": {"override": None},
        "frame_options": {"frame_option": "DENY", "override": True},
        "xss_protection": None,
    },
    "custom_headers_config": [{"header": "X-A", "value": "1", "override": None}],
    "remove_headers_config": ["Server"],
    "cors_config": {
        "access_control_allow_origins": ["https://a.example.com"],
        "access_control_allow_headers": ["*"],
        "access_control_allow_methods": ["GET", "HEAD"],
        "access_control_allow_credentials": False,
        "origin_override": True,
    },
    "server_timing_headers_config": {"enabled": True, "sampling_rate": 50.0},
}


def request(options: Fields, live: Fields | None = None) -> Fields:
    config: Fields = to_api(SHAPE, api_fields(merged(live or {}, policy_fields(options), LAYOUT)))
    return config


def answered(options: Fields) -> Fields:
    return live_fields(from_api(SHAPE, request(options)))


def test_the_request_is_one_that_aws_takes() -> None:
    report = ParamValidator().validate(request(OPTIONS), SHAPE)
    assert not report.has_errors(), report.generate_report()
    assert request(OPTIONS)["SecurityHeadersConfig"] == {
        "StrictTransportSecurity": {"Override": True, "AccessControlMaxAgeSec": 60},
        "ContentTypeOptions": {"Override": False},
        "FrameOptions": {"Override": True, "FrameOption": "DENY"},
    }
    assert request(OPTIONS)["RemoveHeadersConfig"] == {"Quantity": 1, "Items": [{"Header": "Server"}]}


def test_what_was_just_made_has_no_difference() -> None:
    assert differences(answered(OPTIONS), policy_fields(OPTIONS), LAYOUT) == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            {"frame_options": {"frame_option": "SAMEORIGIN", "override": True}},
            [Change("security_headers_config.frame_options.frame_option", "DENY", "SAMEORIGIN")],
        ),
        # Its only member is false: what counts is that it is there.
        (
            {"content_type_options": None},
            [Change("security_headers_config.content_type_options", {"override": False}, None)],
        ),
        (
            {"frame_options": None},
            [Change("security_headers_config.frame_options", {"override": True, "frame_option": "DENY"}, None)],
        ),
    ],
)
def test_a_section_that_is_given_is_complete(changed: Fields, expected: list[Change]) -> None:
    options = {**OPTIONS, "security_headers_config": {**OPTIONS["security_headers_config"], **changed}}
    assert differences(answered(OPTIONS), policy_fields(options), LAYOUT) == expected
    assert differences(answered(options), policy_fields(options), LAYOUT) == []


def test_nosniff_that_is_not_there_is_a_difference() -> None:
    without = {**OPTIONS, "security_headers_config": {"frame_options": {"frame_option": "DENY", "override": True}}}
    fields = [change.field for change in differences(answered(without), policy_fields(OPTIONS), LAYOUT)]
    assert "security_headers_config.content_type_options" in fields


def test_a_section_that_is_not_given_stays_and_an_empty_one_goes() -> None:
    live = answered(OPTIONS)
    kept = request({"name": "site", "comment": "new"}, live)
    assert kept["CorsConfig"] == request(OPTIONS)["CorsConfig"]
    gone = request({"name": "site", "cors_config": {}, "remove_headers_config": []}, live)
    assert "CorsConfig" not in gone
    assert gone["RemoveHeadersConfig"] == {"Quantity": 0}
    assert [
        change.field for change in differences(live, policy_fields({"name": "site", "cors_config": {}}), LAYOUT)
    ] == ["cors_config"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"remove_headers_config": ["Via"]}, "cannot remove the header via"),
        ({"remove_headers_config": ["x-a"]}, "both set and removed"),
        (
            {
                "cors_config": {
                    **OPTIONS["cors_config"],
                    "access_control_allow_credentials": True,
                    "access_control_allow_origins": ["*"],
                }
            },
            "name the origins",
        ),
    ],
)
def test_what_cannot_work_is_refused(changed: Fields, message: str) -> None:
    with pytest.raises(RefusalError, match=message):
        refuse(policy_fields({**OPTIONS, **changed}))
