"""The timeout contract: one value derives all, and preflight knows a broken chain when it sees one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

PROJECT = Path(__file__).parents[2]
CONTRACT: dict[str, Any] = yaml.safe_load((PROJECT / "group_vars/all/project.yml").read_text())
RULES: dict[str, Any] = yaml.safe_load((PROJECT / "roles/preflight/vars/main.yml").read_text())
OPTIONS = yaml.safe_load((PROJECT / "roles/preflight/meta/argument_specs.yml").read_text())["argument_specs"]["main"]
NAMES = set(OPTIONS["options"]["preflight_timeouts"]["options"])

#: The roles' own variables, by the member of the contract that each of them has to follow.
FOLLOWERS = {
    "aws_balancer_idle_timeout_seconds": "balancer_idle",
    "aws_balancer_deregistration_delay_seconds": "deregistration_delay",
    "aws_edge_origin_read_timeout_seconds": "cloudfront_read",
    "aws_edge_origin_keep_alive_seconds": "cloudfront_keep_alive",
    "gunicorn_timeout_seconds": "gunicorn",
    "gunicorn_graceful_timeout_seconds": "gunicorn_graceful",
    "gunicorn_keep_alive_seconds": "keep_alive",
    "nginx_proxy_timeout_seconds": "nginx_proxy",
    "nginx_keep_alive_seconds": "keep_alive",
    "gunicorn_stop_timeout_seconds": "unit_stop",
    "activation_stop_timeout_seconds": "unit_stop",
    "activation_worker_stop_timeout_seconds": "worker_stop",
    "activation_drain_seconds": "drain",
    "aws_compute_leave_seconds": "lifecycle_heartbeat",
    "worker_stop_timeout_seconds": "worker_stop",
    "nginx_stop_timeout_seconds": "drain",
    "release_program_seconds": "host_program",
}


def timeouts(request_timeout_seconds: int) -> dict[str, int]:
    """What the project derives from a request timeout, in seconds."""
    jinja = jinja2.Environment(undefined=jinja2.StrictUndefined)  # noqa: S701 (numbers, no HTML)
    return {
        name: int(jinja.from_string(str(value)).render(request_timeout_seconds=request_timeout_seconds))
        for name, value in CONTRACT["slipway_timeouts"].items()
    }


def broken(values: dict[str, int]) -> str:
    """What preflight says about a set; empty when the contract holds."""
    jinja = jinja2.Environment(undefined=jinja2.StrictUndefined)  # noqa: S701 (a sentence, no HTML)
    rules = {name: RULES[name] for name in ("__preflight_chain", "__preflight_chain_or_equal", "__preflight_bounds")}
    return " ".join(jinja.from_string(RULES["__preflight_broken"]).render(preflight_timeouts=values, **rules).split())


def test_the_contract_has_every_member_that_preflight_asks_for() -> None:
    assert set(timeouts(30)) == NAMES


@pytest.mark.parametrize("request_timeout_seconds", [1, 5, 30, 45])
def test_the_derived_timeouts_keep_the_contract(request_timeout_seconds: int) -> None:
    assert broken(timeouts(request_timeout_seconds)) == ""


def test_a_request_longer_than_cloudfront_waits_is_refused() -> None:
    assert "cloudfront_read is 61, AWS allows 1 to 60" in broken(timeouts(46))


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("gunicorn", 35, "nginx gives up before Gunicorn has answered"),
        ("nginx_proxy", 40, "the load balancer closes a connection on which nginx still answers"),
        ("balancer_idle", 45, "CloudFront gives up before the load balancer"),
        ("keep_alive", 40, "the load balancer sends a request on a connection that nginx just closed"),
        ("cloudfront_keep_alive", 40, "CloudFront sends a request on a connection that the load balancer just closed"),
        ("gunicorn_graceful", 29, "a leaving worker is killed in the middle of an allowed request"),
        ("deregistration_delay", 29, "the load balancer cuts an allowed request of a leaving host"),
        ("drain", 34, "a host stops while the load balancer still lets it finish"),
        ("unit_stop", 40, "systemd kills a host that still drains"),
        ("worker_stop", 45, "systemd kills a task that may last as long as a request"),
        ("worker_stop", 120, "the group terminates a host whose tasks still end"),
        ("lifecycle_heartbeat", 45, "the group terminates a host whose units still stop"),
        ("host_program", 60, "a release gives up on a host whose tasks still end"),
        ("host_connection", 690, "the session sends a program again that is still at work"),
    ],
)
def test_every_link_of_the_chain_is_looked_at(name: str, value: int, complaint: str) -> None:
    assert complaint in broken({**timeouts(30), name: value})


def test_the_roles_follow_the_contract() -> None:
    """A number of its own in group_vars would look right until the request timeout changes."""
    for path in sorted((PROJECT / "group_vars").rglob("*.yml")):
        for name, value in (yaml.safe_load(path.read_text()) or {}).items():
            if name in FOLLOWERS:
                member = rf"\{{\{{ slipway_timeouts\.{FOLLOWERS[name]}( \| int)? \}}\}}"
                assert re.fullmatch(member, str(value)), f"{path}: {name}"


@pytest.mark.parametrize("follower", sorted(FOLLOWERS))
def test_every_follower_is_wired(follower: str) -> None:
    """The role's default serves whoever uses the role alone; this project derives it."""
    text = "\n".join(path.read_text() for path in (PROJECT / "group_vars").rglob("*.yml"))
    assert re.search(rf"(?m)^{follower}:", text), f"no file of group_vars derives {follower} from slipway_timeouts"


def test_a_host_that_leaves_stays_until_the_balancer_has_noticed() -> None:
    balancer, nginx = (
        yaml.safe_load((PROJECT / f"roles/{role}/defaults/main.yml").read_text()) for role in ("aws_balancer", "nginx")
    )
    noticed = (
        balancer["aws_balancer_health_interval_seconds"] * balancer["aws_balancer_unhealthy_count"]
        + balancer["aws_balancer_health_timeout_seconds"]
    )
    assert nginx["nginx_leave_seconds"] >= noticed


@pytest.mark.parametrize("request_timeout_seconds", [1, 30, 45])
def test_a_release_waits_for_as_long_as_a_host_may_take(request_timeout_seconds: int) -> None:
    """For one activation that is at work, and then for its own, which systemd gives this much."""
    values = timeouts(request_timeout_seconds)
    program = (PROJECT / "roles/activation/files/slipway_activate.py").read_text()
    lock = re.search(r"(?m)^LOCK_SECONDS = ([\d.]+)$", program)
    unit = (PROJECT / "roles/activation/templates/slipway-activate.service.j2").read_text()
    allowed = re.search(r"(?m)^TimeoutStartSec=(.+)$", unit)
    assert lock
    assert allowed
    own = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(allowed[1])  # noqa: S701 (a number, no HTML)
    seconds = own.render(
        activation_stop_timeout_seconds=values["unit_stop"],
        activation_worker_stop_timeout_seconds=values["worker_stop"],
    )
    assert values["host_program"] >= float(lock[1]) + int(seconds)


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_the_connection_outlives_what_runs_on_it(environment: str) -> None:
    """amazon.aws ends a command after this many seconds, however much it says, and sends it again."""
    path = PROJECT / f"inventories/{environment}/group_vars/aws_ec2/connection.yml"
    assert yaml.safe_load(path.read_text())["ansible_aws_ssm_timeout"] == "{{ slipway_timeouts.host_connection | int }}"
