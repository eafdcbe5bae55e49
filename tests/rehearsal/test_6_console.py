"""The console in a browser: an incident is opened with its preview, seen by everybody, and resolved."""

from __future__ import annotations

import re
import secrets

from playwright.sync_api import Page, expect

from tests.rehearsal.conftest import RESULTS
from tests.rehearsal.test_2_browser import browser, page, sign_in

__all__ = ["browser", "page"]


def test_an_incident_from_the_preview_to_its_end(page: Page, staff: tuple[str, str]) -> None:
    title = f"Uploads fail {secrets.token_hex(3)}"
    sign_in(page, staff, "/staff/incidents/new")
    form = page.get_by_role("form", name="Open an incident")
    preview = page.get_by_role("region", name="Preview")
    form.get_by_label("Title").fill(title)
    form.get_by_label("First update").fill("We are looking into it.")
    expect(preview.get_by_text(title)).to_be_visible()
    expect(preview.get_by_text("We are looking into it.")).to_be_visible()
    RESULTS.mkdir(exist_ok=True)
    page.screenshot(path=RESULTS / "console-preview.png", full_page=True)

    form.get_by_role("button", name="Open incident").click()
    expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()

    public = page.context.new_page()
    public.goto("/")
    expect(public.get_by_text(title).first).to_be_visible(timeout=20_000)
    public.close()

    update = page.get_by_role("form", name=f"Update on {title}")
    update.get_by_label("What is known now").fill("All uploads work again.")
    update.get_by_label("State", exact=True).select_option("Resolved")
    update.get_by_role("button", name="Post and resolve").click()
    expect(page.get_by_text("Posted, and the incident is resolved.")).to_be_visible()
    page.goto("/staff/incidents")
    expect(page.get_by_role("heading", level=1, name="Incidents")).to_be_visible()
    expect(page.get_by_role("link", name=title)).to_have_count(0)


def test_two_people_do_not_talk_past_each_other(page: Page, staff: tuple[str, str]) -> None:
    title = f"Search is slow {secrets.token_hex(3)}"
    sign_in(page, staff, "/staff/incidents/new")
    page.get_by_label("Title").fill(title)
    page.get_by_label("First update").fill("We are looking into it.")
    page.get_by_role("button", name="Open incident").click()
    expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()
    colleague = page.context.new_page()
    colleague.goto(page.url)
    colleague.get_by_label("What is known now").fill("It is over.")
    colleague.get_by_label("State", exact=True).select_option("Resolved")

    page.get_by_label("What is known now").fill("One region is still slow.")
    page.get_by_role("button", name="Post update").click()
    expect(page.get_by_text("Posted.", exact=True)).to_be_visible()
    # The browser itself writes every answer of 4xx to its console, which this page of the colleague may have.
    colleague.get_by_role("button", name="Post and resolve").click()

    conflict = colleague.get_by_role("alert", name="Somebody else has changed this")
    expect(conflict.get_by_text("One region is still slow.")).to_be_visible()
    conflict.get_by_role("button", name="Post mine as well").click()
    expect(colleague.get_by_text("Posted, and the incident is resolved.")).to_be_visible()
    colleague.close()


def test_everything_that_the_console_offers_opens(page: Page, staff: tuple[str, str]) -> None:
    sign_in(page, staff, "/staff")
    menu = page.get_by_role("navigation", name="Console")
    for name in ("Incidents", "Maintenance", "Components", "Monitors", "Subscribers", "Tokens", "Audit trail"):
        menu.get_by_role("link", name=re.compile(f"^{name}")).click()
        heading = page.get_by_role("heading", level=1, name=name)
        expect(heading).to_be_visible()
        expect(heading).to_be_focused()
        page.wait_for_load_state("networkidle")
    page.get_by_role("navigation", name="Console").get_by_role("link", name=staff[0]).click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1, name="Sign in")).to_be_visible()
