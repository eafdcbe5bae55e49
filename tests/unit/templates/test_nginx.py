"""What the files of the role nginx say. How nginx behaves with them is the molecule scenario `nginx`."""

from __future__ import annotations

import re

from tests.unit.templates.render import render


def site(**variables: object) -> str:
    return render("nginx", "application.conf.j2", **variables)


def directive(text: str, name: str) -> list[str]:
    """The arguments of every directive of this name."""
    return re.findall(rf"^\s*{name} (.+);$", text, re.MULTILINE)


def test_an_idle_connection_outlasts_the_load_balancers_patience() -> None:
    text = site(nginx_keep_alive_seconds=90, nginx_proxy_timeout_seconds=35)

    assert directive(text, "keepalive_timeout") == ["90s"]
    assert directive(text, "proxy_read_timeout") == ["35s"]


def test_without_trusted_networks_nobody_can_choose_an_address() -> None:
    text = site(nginx_trusted_proxies=[])

    assert directive(text, "real_ip_header") == []
    assert directive(text, "set_real_ip_from") == []


def test_only_the_trusted_networks_are_believed() -> None:
    text = site(nginx_trusted_proxies=["10.0.0.0/20", "10.0.16.0/20"])

    assert directive(text, "set_real_ip_from") == ["10.0.0.0/20", "10.0.16.0/20"]
    assert directive(text, "real_ip_recursive") == ["on"]


def test_the_scheme_is_the_balancers_and_not_nginxs() -> None:
    headers = directive(site(), "proxy_set_header")

    assert "X-Forwarded-Proto $http_x_forwarded_proto" in headers
    assert 'X-Forwarded-Host ""' in headers


def test_no_connection_to_the_application_is_kept() -> None:
    # One that the application closes while it stops could swallow a request.
    text = site()

    assert "Connection close" in directive(text, "proxy_set_header")
    assert directive(text, "keepalive") == []


def test_only_what_the_application_allows_is_kept_and_for_nobody_in_particular() -> None:
    text = site()

    # Without proxy_cache_valid only X-Accel-Expires makes an answer one that may be kept.
    assert directive(text, "proxy_cache_valid") == []
    assert directive(text, "proxy_ignore_headers") == ["Cache-Control Expires"]
    assert directive(text, "proxy_cache_bypass") == directive(text, "proxy_no_cache") == ["$slipway_personal"]
    assert 'map "$http_authorization$http_cookie" $slipway_personal' in text
    # Of two hosts, or of http and https, neither is given the other's.
    (key,) = directive(text, "proxy_cache_key")
    assert all(part in key for part in ("$request_method", "$http_host", "$http_x_forwarded_proto", "$request_uri"))


def test_djangos_hashed_names_are_immutable_and_others_are_not() -> None:
    pattern = re.search(r'"~(.+)" "public, max-age=31536000, immutable"', site())

    assert pattern is not None
    assert re.search(pattern[1], "/static/admin/css/base.523eb49842a7.css")
    assert not re.search(pattern[1], "/static/admin/css/base.css")
    assert not re.search(pattern[1], "/static/v1.2.3456/base.css")


def test_a_healthy_check_is_no_line_of_the_log() -> None:
    text = site(nginx_health_path="/healthz")
    pattern = re.search(r'"~(.+)" 0;', text)

    assert pattern is not None
    assert re.search(pattern[1], "/healthz 200")
    assert not re.search(pattern[1], "/healthz 503")
    assert not re.search(pattern[1], "/healthzz 200")


def test_a_stop_waits_for_requests_in_flight() -> None:
    text = render("nginx", "hardening.conf.j2", nginx_stop_timeout_seconds=40)

    assert "--retry QUIT/40 " in text
    assert "TimeoutStopSec=45" in text
    # Debian's own ExecStop has to be emptied first, or both run.
    assert text.index("ExecStop=\n") < text.index("ExecStop=-/sbin")


def test_the_version_is_nobodys_business() -> None:
    assert directive(render("nginx", "nginx.conf.j2"), "server_tokens") == ["off"]


def test_a_host_that_leaves_says_so_to_the_health_check_alone() -> None:
    text = site(nginx_health_path="/alive", nginx_leaving_path="/run/leaving")

    assert re.search(r"if \(-f /run/leaving\) \{\s*set \$slipway_leaving \$uri;", text)
    assert re.search(r"if \(\$slipway_leaving = /alive\) \{\s*return 503;", text)


def test_everything_else_stops_after_the_time_to_leave() -> None:
    unit = render("nginx", "leave.service.j2", nginx_leave_seconds=7, nginx_leave_before=["gunicorn.service"])

    assert re.search(r"^After=.* nginx\.service gunicorn\.service$", unit, re.MULTILINE)
    assert "ExecStop=/usr/bin/sleep 7" in unit
