"""The running rehearsal, as its users see it: over HTTPS, through the API, on its hosts."""

from __future__ import annotations

import secrets
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import Error as PlaywrightError

from rehearsal import report
from rehearsal.__main__ import ansible_environment
from rehearsal.certificates import CertificateAuthority
from rehearsal.dataplane.context import Context
from rehearsal.engine import Engine
from rehearsal.settings import Settings

PROJECT = Path(__file__).parent.parent.parent
RESULTS = PROJECT / ".test-results"
#: Milliseconds. Playwright's own five are less than a host's first answer may take when another one has just died.
expect.set_options(timeout=20_000)


@dataclass(frozen=True)
class Rehearsal:
    """One running rehearsal."""

    settings: Settings
    context: Context
    url: str

    @property
    def trust(self) -> ssl.SSLContext:
        """Trusts the rehearsal's authority and nobody else."""
        return ssl.create_default_context(cafile=str(CertificateAuthority(self.settings.state).cert_path))

    @property
    def engine(self) -> Engine:
        """The engine that holds the bodies."""
        return self.context.engine

    def client(self, service: str, region: str | None = None) -> Any:
        """A boto3 client of the emulated account."""
        return self.context.client(service, region)

    def web_instances(self) -> list[dict[str, Any]]:
        """The instances of the Auto Scaling group that are in service, the oldest first."""
        groups = self.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        serving = [
            one["InstanceId"] for group in groups for one in group["Instances"] if one["LifecycleState"] == "InService"
        ]
        # One that was killed a moment ago may still be listed by its group.
        running = [
            {"Name": "instance-id", "Values": serving},
            {"Name": "instance-state-name", "Values": ["running"]},
        ]
        pages = self.client("ec2").describe_instances(Filters=running)
        instances = [one for reservation in pages["Reservations"] for one in reservation["Instances"]]
        return sorted(instances, key=lambda one: one["LaunchTime"])

    def healthy_targets(self) -> set[str]:
        """The instances that the balancer sends requests to."""
        client = self.client("elbv2")
        return {
            description["Target"]["Id"]
            for group in client.describe_target_groups()["TargetGroups"]
            for description in client.describe_target_health(TargetGroupArn=group["TargetGroupArn"])[
                "TargetHealthDescriptions"
            ]
            if description["TargetHealth"]["State"] == "healthy"
        }

    def ready(self) -> bool:
        """Whether two hosts serve and nothing is missing to any of them, as each says without a cache before it."""
        ask = ("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "http://127.0.0.1/readyz")
        hosts = self.healthy_targets()
        return len(hosts) >= 2 and all(self.on(host, *ask) == "200" for host in hosts)

    def on(self, container: str, *command: str, timeout: float = 30) -> str:
        """Run a command in a body and return what it printed."""
        return self.engine.run("exec", container, *command, timeout=timeout)

    def manage(self, command: str, *, stdin: str = "", timeout: float = 60) -> str:
        """Run a command of manage.py on a host, as an operator would; what it is told by stdin, a shell `read`s."""
        script = (
            "set -a; . /run/slipway/application.env; set +a; "
            "export PYTHONPATH=/srv/application/current/site-packages; cd /srv/application/current/app; " + command
        )
        host = self.web_instances()[0]["InstanceId"]
        return self.engine.run("exec", "-i", host, "sh", "-c", script, stdin=stdin, timeout=timeout)

    def playbook(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ansible-playbook against the rehearsal's inventory, as a person would."""
        return self.ansible("ansible-playbook", *words, "-i", "inventories/rehearsal")

    def ansible(self, program: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one of Ansible's programs with the rehearsal's environment."""
        return subprocess.run(
            [f"{sys.prefix}/bin/{program}", *words],
            cwd=PROJECT,
            env={**ansible_environment(self.settings), "ANSIBLE_NOCOLOR": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="session", autouse=True)
def _loopback_names() -> Iterator[None]:
    """Names below `localhost` are this machine, as browsers have it and the C library not everywhere.

    https://www.rfc-editor.org/rfc/rfc6761#section-6.3
    """
    ask = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **named: Any) -> Any:
        return ask("127.0.0.1" if str(host).endswith(".localhost") else host, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield


@pytest.fixture(scope="session")
def rehearsal() -> Rehearsal:
    """The rehearsal that `make rehearse` has put up."""
    settings = Settings.from_environment(PROJECT)
    context = Context(settings, Engine(settings.state), CertificateAuthority(settings.state), appliance_image="")
    urls = report.site_urls(context)
    assert urls, "the account has no distribution: run make rehearse first"
    return Rehearsal(settings, context, urls[0])


@pytest.fixture
def site(rehearsal: Rehearsal) -> Iterator[httpx.Client]:
    """A client for the site, which trusts the rehearsal's authority and follows no redirect by itself."""
    with httpx.Client(base_url=rehearsal.url, verify=rehearsal.trust, http2=True, timeout=15) as client:
        yield client


@pytest.fixture
def eventually() -> Callable[..., None]:
    """Wait until something is so, for a bounded time, and fail with what it was instead."""

    def wait(condition: Callable[[], object], seconds: float, what: str) -> None:
        end = time.monotonic() + seconds
        last: object = None
        while time.monotonic() < end:
            try:
                last = condition()
                if last:
                    return
            except Exception as error:
                last = error
            time.sleep(0.5)
        pytest.fail(f"{what}: not within {seconds:.0f} s; the last answer was {last!r}")

    return wait


@pytest.fixture(scope="session")
def staff(rehearsal: Rehearsal) -> tuple[str, str]:
    """A member of staff, made on a host as an operator would."""
    name, password = f"staff-{secrets.token_hex(3)}", secrets.token_urlsafe(18)
    rehearsal.manage(
        "read -r DJANGO_SUPERUSER_PASSWORD; export DJANGO_SUPERUSER_PASSWORD; "
        f"python3 manage.py createsuperuser --noinput --username {name} --email {name}@example.com",
        stdin=f"{password}\n",
    )
    return name, password


def shown(response: httpx.Response) -> str:
    """What a failing assertion should say of an answer."""
    return f"{response.request.url} → {response.status_code} {dict(response.headers)} {response.text[:300]!r}"


@contextmanager
def visit(browser: Browser) -> Iterator[Page]:
    """A visitor's page, with a context of its own; whoever fails at it is told what it showed and complained of."""
    visitor = browser.new_context(ignore_https_errors=True)
    page = visitor.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda asked: complaints.append(f"{asked.url}: {asked.failure}"))
    try:
        yield page
    except (PlaywrightError, AssertionError) as error:
        RESULTS.mkdir(exist_ok=True)
        page.screenshot(path=RESULTS / "failed.png", full_page=True)
        error.add_note(f"{page.url} showed:\n{page.inner_text('body')}\nand complained of: {complaints}")
        raise
    finally:
        visitor.close()
