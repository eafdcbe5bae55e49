"""The site over HTTPS, through every tier. Nothing here changes anything."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.rehearsal.conftest import Rehearsal, shown


def test_the_page_comes_from_the_bucket(site: httpx.Client) -> None:
    answer = site.get("/")
    assert answer.status_code == 200, shown(answer)
    assert '<div id="root">' in answer.text, shown(answer)
    assert "no-cache" in answer.headers["cache-control"], shown(answer)


def test_the_front_speaks_http_2(site: httpx.Client) -> None:
    assert site.get("/").http_version == "HTTP/2"


def test_hashed_assets_may_be_kept_for_ever(site: httpx.Client) -> None:
    assets = re.findall(r"/assets/[^\"']+", site.get("/").text)
    assert assets
    for asset in assets:
        answer = site.get(asset)
        assert answer.status_code == 200, shown(answer)
        assert "immutable" in answer.headers["cache-control"], shown(answer)


@pytest.mark.parametrize("path", ["/sign-in", "/staff", "/incidents/1"])
def test_a_path_of_the_front_end_is_the_page(site: httpx.Client, path: str) -> None:
    answer = site.get(path)
    assert answer.status_code == 200, shown(answer)
    assert '<div id="root">' in answer.text, shown(answer)


def test_a_missing_asset_is_missing(site: httpx.Client) -> None:
    answer = site.get("/assets/never-built-0a1b2c3d.js")
    assert answer.status_code == 404, shown(answer)


def test_the_api_answers_through_balancer_nginx_and_gunicorn(site: httpx.Client) -> None:
    answer = site.get("/api/")
    assert answer.status_code == 200, shown(answer)
    assert answer.headers["content-type"].startswith("application/json"), shown(answer)


def test_the_summary_reads_the_database(site: httpx.Client) -> None:
    answer = site.get("/api/summary/")
    assert answer.status_code == 200, shown(answer)


def test_the_summary_is_kept_for_everybody_and_for_nobody_in_particular(rehearsal: Rehearsal) -> None:
    # On a host, since CloudFront asks one after the other.
    host = rehearsal.web_instances()[0]["InstanceId"]
    name = rehearsal.url.removeprefix("https://")
    ask = (
        "curl -s -o /dev/null -D - -H 'X-Forwarded-Proto: https' "
        f"-H 'Host: {name}' http://127.0.0.1/api/summary/ $EXTRA | tr -d '\\r'"
    )
    # nginx's log, since the application writes no line about what Redis keeps. It has a time where nginx asked further.
    log = "journalctl --sync; journalctl --identifier=nginx --since=@$BEGAN --output=cat"
    own = f"{log} | grep '/api/summary/' | grep -c '\"upstream_seconds\":\"[0-9]' || true"

    def asked(extra: str) -> int:
        """How many of twenty questions within a moment came to the application."""
        script = f"BEGAN=$(date +%s.%N); for _ in $(seq 20); do {ask.replace('$EXTRA', extra)}; done >/dev/null; {own}"
        return int(rehearsal.on(host, "bash", "-c", script, timeout=60).strip().splitlines()[-1])

    everybody, somebody = asked(""), asked("-H 'Cookie: somebody=1'")
    assert everybody < 20 <= somebody, (everybody, somebody)


def test_an_error_of_the_api_stays_an_error_of_the_api(site: httpx.Client) -> None:
    answer = site.get("/api/no-such-thing/")
    assert answer.status_code == 404, shown(answer)
    assert "json" in answer.headers["content-type"], shown(answer)


def test_writing_wants_a_person(site: httpx.Client) -> None:
    answer = site.post("/api/components/", json={"name": "intruder"})
    assert answer.status_code in (401, 403), shown(answer)


def test_the_admin_and_its_static_files_are_there(site: httpx.Client) -> None:
    page = site.get("/admin/login/")
    assert page.status_code == 200, shown(page)
    styles = re.findall(r'href="(/static/[^"]+\.css)"', page.text)
    assert styles
    answer = site.get(styles[0])
    assert answer.status_code == 200, shown(answer)
    assert answer.headers["content-type"].startswith("text/css"), shown(answer)


def test_security_headers_are_on_pages_and_answers(site: httpx.Client) -> None:
    for path in ("/", "/api/"):
        headers = site.get(path).headers
        assert "max-age=" in headers["strict-transport-security"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"].upper() == "DENY"
        assert "default-src" in headers["content-security-policy"]


def test_plain_http_at_the_balancer_is_sent_to_https(rehearsal: Rehearsal) -> None:
    balancer = rehearsal.client("elbv2").describe_load_balancers()["LoadBalancers"][0]
    address = rehearsal.engine.containers()[f"alb-{balancer['LoadBalancerName']}"].labels["address"]
    answer = httpx.get(f"http://{address}/api/", headers={"Host": "app.slipway.localhost"}, timeout=10)
    assert answer.status_code == 301, shown(answer)
    assert answer.headers["location"].startswith("https://app.slipway.localhost"), shown(answer)


def test_both_hosts_take_requests(rehearsal: Rehearsal) -> None:
    running = {instance["InstanceId"] for instance in rehearsal.web_instances()}
    assert len(running) >= 2
    assert rehearsal.healthy_targets() == running


def test_the_cache_holds_what_the_application_put_there(rehearsal: Rehearsal, site: httpx.Client) -> None:
    site.get("/api/summary/")
    group = rehearsal.client("elasticache").describe_replication_groups()["ReplicationGroups"][0]
    member = f"cache-{group['MemberClusters'][0]}"
    script = (
        "read -r _ password < <(grep '^requirepass' /run/valkey/valkey.conf); "
        'REDISCLI_AUTH="$(echo "$password" | tr -d \\")" '
        "valkey-cli --tls --cacert /run/valkey/authority.crt info stats"
    )
    stats = rehearsal.on(member, "bash", "-c", script)
    hits = re.search(r"keyspace_(?:hits|misses):(\d+)", stats)
    assert hits, stats
    assert sum(int(n) for n in re.findall(r"keyspace_(?:hits|misses):(\d+)", stats)) > 0, stats
