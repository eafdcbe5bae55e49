"""One file says where an application lives; everything else takes it from there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
OWNER = PROJECT / "group_vars" / "all" / "application.yml"
SECOND = PROJECT / "tests" / "second_application" / "application.yml"
#: What two applications may well have in common.
COMMON = {"application_exclude", "application_frontend_exclude", "application_frontend_output"}


def values(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text()))


def test_the_second_application_says_all_that_the_first_says_and_says_it_differently() -> None:
    first, second = values(OWNER), values(SECOND)
    assert set(first) == set(second)
    assert {name for name in first if first[name] == second[name]} - COMMON == set()


@pytest.mark.parametrize("name", sorted(values(OWNER)))
def test_what_it_says_is_read(name: str) -> None:
    readers = [
        path for path in OWNER.parent.glob("*.yml") if path != OWNER and re.search(rf"\b{name}\b", path.read_text())
    ]
    assert readers, f"nobody reads {name}"


@pytest.mark.parametrize(
    "path", [*(PROJECT / "group_vars").rglob("*.yml"), *(PROJECT / "playbooks").glob("*.yml")], ids=str
)
def test_nobody_else_knows_the_reference_application(path: Path) -> None:
    if path == OWNER:
        return
    code = re.sub(r"(?m)^\s*#.*$", "", path.read_text())
    known = re.findall(
        r"django_app|react_app|config\.wsgi|DJANGO_\w+|/healthz|/readyz|/api/|/static/|migrate_once", code
    )
    assert not known


def test_the_edge_the_balancer_and_the_doctor_ask_what_it_says() -> None:
    wired = {
        "aws_edge.yml": {"aws_edge_application_paths": "application_paths"},
        "aws_balancer.yml": {"aws_balancer_health_path": "application_health_path"},
        "aws_security.yml": {"aws_security_outbound_ports": "application_outbound_ports"},
        "nginx.yml": {"nginx_static_url": "application_static_url", "nginx_health_path": "application_health_path"},
        "activation.yml": {"activation_health_path": "application_health_path"},
        "verify.yml": {"verify_data_path": "application_data_path", "verify_api_path": "application_api_path"},
        "worker.yml": {"worker_command": "application_worker_command"},
        "gunicorn.yml": {"gunicorn_application": "application_wsgi"},
    }
    for file, names in wired.items():
        found = values(OWNER.parent / file)
        assert {name: found[name] for name in names} == {name: f"{{{{ {source} }}}}" for name, source in names.items()}
