"""The module iam_oidc_provider, whole, against the emulated account."""

from __future__ import annotations

from .conftest import Call, client, succeeded

URL = "https://token.actions.githubusercontent.com"


def test_through_its_life(call: Call) -> None:
    foretold = succeeded(call("iam_oidc_provider", check=True, url=URL))
    assert foretold["changed"]
    assert client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"] == []
    made = succeeded(call("iam_oidc_provider", url=URL, tags={"Project": "slipway"}))
    assert made["changed"]
    assert made["oidc_provider"]["client_ids"] == ["sts.amazonaws.com"]
    assert made["oidc_provider"]["arn"].endswith(":oidc-provider/token.actions.githubusercontent.com")
    assert not succeeded(call("iam_oidc_provider", url=URL, tags={"Project": "slipway"}))["changed"]

    changed = succeeded(call("iam_oidc_provider", url=URL, client_ids=["another"], tags={"Project": "shop"}))
    assert {one["field"] for one in changed["changes"]} >= {"tags.Project"}
    # The provider is the whole account's: who uses it already goes on.
    assert changed["oidc_provider"]["client_ids"] == ["another", "sts.amazonaws.com"]

    assert succeeded(call("iam_oidc_provider", url=URL, state="absent"))["changed"]
    assert not succeeded(call("iam_oidc_provider", url=URL, state="absent"))["changed"]


def test_an_address_that_iam_refuses(call: Call) -> None:
    refused = call("iam_oidc_provider", url="http://token.example.com", check=True)
    assert refused["failed"]
    assert "https://" in refused["msg"]
