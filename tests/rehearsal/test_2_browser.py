"""The application in a browser: a visitor reads, a member of staff signs in and writes."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.rehearsal.conftest import RESULTS, Rehearsal

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, headless. The rehearsal's authority is not in its store, so it accepts the certificate."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, rehearsal: Rehearsal) -> Iterator[Page]:
    """A new visitor's page; whatever the browser complains of fails the test."""
    context = browser.new_context(base_url=rehearsal.url, ignore_https_errors=True)
    page = context.new_page()
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert not complaints, complaints


def test_a_visitor_sees_the_page(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_load_state("networkidle")
    RESULTS.mkdir(exist_ok=True)
    page.screenshot(path=RESULTS / "page.png", full_page=True)


def sign_in(page: Page, staff: tuple[str, str], path: str) -> None:
    """Sign in on the way to an address of the console, and arrive there."""
    name, password = staff
    page.goto(path)
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(rf"{re.escape(path)}$"))


def test_staff_opens_an_incident_and_a_visitor_sees_it(page: Page, staff: tuple[str, str]) -> None:
    title = f"Delayed mail {secrets.token_hex(3)}"
    sign_in(page, staff, "/staff")
    page.get_by_role("link", name="Open an incident").click()
    form = page.get_by_role("form", name="Open an incident")
    form.get_by_label("Title").fill(title)
    form.get_by_label("First update").fill("We are looking into it.")
    form.get_by_role("button", name="Open incident").click()
    expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()
    page.screenshot(path=RESULTS / "staff.png", full_page=True)
    page.context.clear_cookies()
    page.goto("/")
    expect(page.get_by_text(title).first).to_be_visible(timeout=20_000)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=RESULTS / "incident.png", full_page=True)
