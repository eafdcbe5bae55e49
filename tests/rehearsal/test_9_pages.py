"""Every page, in light and dark, on a desk and on a phone: nothing is wider than the screen. A picture of each is left.

The pictures lie in `.test-results/pages`; somebody looks at them.
"""

from __future__ import annotations

import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.rehearsal.conftest import RESULTS, Rehearsal, shown
from tests.rehearsal.test_2_browser import browser, sign_in
from tests.rehearsal.test_7_background import api

__all__ = ["api", "browser"]

PICTURES = RESULTS / "pages"
SCREENS: dict[str, ViewportSize] = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}

Steps = Callable[[Page], None]


def nothing(_page: Page) -> None:
    """The page as it comes."""


def ask(label: str) -> Steps:
    """Press a button whose deed is asked for once more."""

    def steps(page: Page) -> None:
        page.get_by_role("button", name=re.compile(f"^{label}")).first.click()
        expect(page.get_by_role("button", name=re.compile("^(Keep|Not yet|Wait)")).first).to_be_visible()

    return steps


def make_token(page: Page) -> None:
    page.get_by_role("button", name="Make a token").click()
    expect(page.get_by_label("Name")).to_be_visible()


def preview(page: Page) -> None:
    page.get_by_label("Title").fill("Searches are slow")
    page.get_by_label("First update").fill("Since ten o'clock searches take longer than usual. We are looking into it.")
    expect(page.get_by_role("region", name="Preview").get_by_text("Searches are slow")).to_be_visible()


def open_chart(page: Page) -> None:
    page.locator('main button[aria-expanded="false"]').first.click()
    expect(page.get_by_role("slider").nth(1)).to_be_visible()
    page.wait_for_load_state("networkidle")


def wrong(page: Page) -> None:
    page.get_by_label("User name").fill("nobody")
    page.get_by_label("Password").fill("a wrong password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()


#: Ninety days of looks, one each half an hour: a bad day, two short failures, a day without looks, and slow noons.
HISTORY = """
from datetime import timedelta
from math import pi, sin
from django.utils import timezone
from monitors.models import Check, Monitor
from monitors.services import rollups_refresh

now = timezone.now()
first = now - timedelta(days=89)
checks = []
for number in range(89 * 48):
    at = first + timedelta(minutes=30 * number)
    day, noon = number // 48, max(0, sin((at.hour - 7) / 12 * pi))
    if day in (31, 32):
        continue
    up = not (day == 57 and 8 <= at.hour < 17 or (day, at.hour) in {(12, 3), (80, 15)})
    checks.append(
        Check(
            monitor_id=MONITOR, scheduled_for=at, checked_at=at, up=up, status_code=200 if up else 503,
            latency_ms=int(60 + 80 * noon + number * 37 % 23) if up else None,
            detail="" if up else "The answer was 503.", covers_seconds=5400,
        )
    )
Check.objects.bulk_create(checks, batch_size=1000)
Monitor.objects.filter(pk=MONITOR).update(state="up", last_scheduled_for=checks[-1].scheduled_for)
print(len(checks), rollups_refresh(now=now))
"""


@pytest.fixture(scope="module")
def content(rehearsal: Rehearsal, api: httpx.Client) -> Iterator[dict[str, int]]:
    """Something on every page; ids by kind. What would go on by itself is removed afterwards."""
    tag = secrets.token_hex(3)
    vpcs = rehearsal.client("ec2").describe_vpcs(Filters=[{"Name": "tag:Project", "Values": ["slipway"]}])["Vpcs"]
    # An address that monitors may ask, and nobody has: the monitor is switched off.
    first, second, *_ = vpcs[0]["CidrBlock"].split(".")
    url = f"http://{first}.{second}.255.12/status"

    def make(path: str, body: dict[str, object]) -> int:
        answer = api.post(path, json=body)
        assert answer.status_code in (200, 201), shown(answer)
        made = answer.json()
        number: int = made.get("id") or made["token"]["id"]
        return number

    for one in api.get("/api/incidents/?show=open&limit=100").json()["results"]:
        # What earlier tests have left open would be most of the page.
        api.post(f"/api/incidents/{one['id']}/updates/", json={"state": "resolved", "message": "It is over."})
    component = api.get("/api/components/").json()[0]["id"]
    begins = datetime.now(UTC) + timedelta(days=2)
    ids = {
        "component": component,
        "incident": make(
            "/api/incidents/",
            {
                "title": f"Uploads of large files fail now and then {tag}",
                "message": "Files of more than 100 MB are refused in about one of ten cases.",
                "severity": "minor",
                "components": [component],
            },
        ),
        "maintenance": make(
            "/api/maintenance/",
            {
                "title": f"New disks for the database {tag}",
                "message": "Pages load more slowly for some minutes.",
                "starts_at": begins.isoformat(),
                "ends_at": (begins + timedelta(hours=1)).isoformat(),
                "components": [component],
            },
        ),
        "monitor": make(
            "/api/monitors/",
            {
                "name": f"Front door {tag}",
                "url": url,
                "enabled": False,
                "component": component,
            },
        ),
        "token": make("/api/tokens/", {"name": f"Dashboard {tag}", "scopes": ["monitors:read", "incidents:write"]}),
    }
    rehearsal.manage(
        "python3 manage.py shell --no-imports", stdin=HISTORY.replace("MONITOR", str(ids["monitor"])), timeout=120
    )
    # What was answered before is kept for a minute.
    time.sleep(61)
    yield ids
    api.post(f"/api/incidents/{ids['incident']}/updates/", json={"state": "resolved", "message": "It is over."})
    for path in ("maintenance", "monitor", "token"):
        api.delete(f"/api/{path if path == 'maintenance' else path + 's'}/{ids[path]}/")


def public_pages(ids: dict[str, int]) -> dict[str, tuple[str, Steps]]:
    return {
        "home": ("/", nothing),
        "home-chart": ("/", open_chart),
        "history": ("/history", nothing),
        "month": (f"/history/{datetime.now(UTC):%Y-%m}", nothing),
        "month-empty": ("/history/2020-01", nothing),
        "incident": (f"/incidents/{ids['incident']}", nothing),
        "subscribe": ("/subscribe", nothing),
        "confirm": ("/subscriptions/confirm?token=1:x", nothing),
        "unsubscribe": ("/subscriptions/unsubscribe?token=1:x", nothing),
        "link-invalid": ("/subscriptions/confirm", nothing),
        "nowhere": ("/nowhere", nothing),
        "sign-in": ("/sign-in", nothing),
        "sign-in-refused": ("/sign-in", wrong),
    }


def staff_pages(ids: dict[str, int]) -> dict[str, tuple[str, Steps]]:
    return {
        "staff": ("/staff", nothing),
        "staff-incidents": ("/staff/incidents", nothing),
        "staff-incident": (f"/staff/incidents/{ids['incident']}", nothing),
        "staff-incident-new": ("/staff/incidents/new", preview),
        "staff-maintenance": ("/staff/maintenance", nothing),
        "staff-maintenance-new": ("/staff/maintenance/new", nothing),
        "staff-maintenance-one": (f"/staff/maintenance/{ids['maintenance']}", nothing),
        "staff-maintenance-cancel": (f"/staff/maintenance/{ids['maintenance']}", ask("Cancel it")),
        "staff-components": ("/staff/components", nothing),
        "staff-component-new": ("/staff/components/new", nothing),
        "staff-component": (f"/staff/components/{ids['component']}", nothing),
        "staff-component-delete": (f"/staff/components/{ids['component']}", ask("Delete")),
        "staff-monitors": ("/staff/monitors", nothing),
        "staff-monitor-new": ("/staff/monitors/new", nothing),
        "staff-monitor": (f"/staff/monitors/{ids['monitor']}", nothing),
        "staff-monitor-delete": (f"/staff/monitors/{ids['monitor']}", ask("Delete")),
        "staff-monitor-edit": (f"/staff/monitors/{ids['monitor']}/edit", nothing),
        "staff-subscribers": ("/staff/subscribers", nothing),
        "staff-tokens": ("/staff/tokens", nothing),
        "staff-token-new": ("/staff/tokens", make_token),
        "staff-token-revoke": ("/staff/tokens", ask("Revoke")),
        "staff-audit": ("/staff/audit", nothing),
        "staff-account": ("/staff/account", nothing),
    }


def look(page: Page, name: str, path: str, steps: Steps) -> None:
    page.goto(path)
    expect(page.get_by_role("heading", level=1).first).to_be_visible(timeout=20_000)
    page.wait_for_load_state("networkidle")
    steps(page)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True, animations="disabled")
    wide = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide[0] <= wide[1], f"{path} is {wide[0]} wide on a screen of {wide[1]}"


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits(
    rehearsal: Rehearsal, browser: Browser, staff: tuple[str, str], content: dict[str, int], scheme: str, screen: str
) -> None:
    shutil.rmtree(PICTURES / f"{scheme}-{screen}", ignore_errors=True)
    context = browser.new_context(
        base_url=rehearsal.url,
        ignore_https_errors=True,
        viewport=SCREENS[screen],
        color_scheme="dark" if scheme == "dark" else "light",
    )
    try:
        page = context.new_page()
        for name, (path, steps) in public_pages(content).items():
            look(page, f"{scheme}-{screen}/{name}", path, steps)
        sign_in(page, staff, "/staff")
        for name, (path, steps) in staff_pages(content).items():
            look(page, f"{scheme}-{screen}/{name}", path, steps)
    finally:
        context.close()
