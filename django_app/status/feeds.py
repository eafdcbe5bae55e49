"""The page for programs that are not browsers: Atom, RSS, and a badge to embed."""

from __future__ import annotations

import re
from html import escape
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone
from django.utils.feedgenerator import Atom1Feed, Rss201rev2Feed

from status.models import ComponentState, IncidentUpdate

FEED_ENTRIES: Final = 50
# https://www.w3.org/TR/xml/#charsets
_NOT_IN_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

#: Each has a contrast of at least 4.5:1 with white.
_COLOURS: Final = {
    ComponentState.OPERATIONAL.value: "#1a7f37",
    ComponentState.MAINTENANCE.value: "#0a5fb4",
    ComponentState.DEGRADED.value: "#8a5a00",
    ComponentState.PARTIAL_OUTAGE.value: "#b35000",
    ComponentState.MAJOR_OUTAGE.value: "#b3261e",
}
_CHARACTER_WIDTH: Final = 7  # pixels, of 11 px Verdana, on average
_PADDING: Final = 10


def feed(*, kind: type[Atom1Feed] | type[Rss201rev2Feed], feed_path: str) -> str:
    """The newest updates of incidents as a feed, in one query."""
    site = settings.SITE_URL
    name = urlsplit(site).hostname or "status"
    document = kind(
        title=f"Status of {name}",
        link=f"{site}/",
        description="Incidents and what is known of them",
        feed_url=f"{site}{feed_path}",
        language="en",
    )
    for update in IncidentUpdate.objects.select_related("incident").order_by("-id")[:FEED_ENTRIES]:
        incident = update.incident
        document.add_item(
            title=xml_text(f"{update.get_state_display()}: {incident.title}"),
            link=f"{site}/incidents/{incident.pk}",
            description=xml_text(escape(update.message)),
            # https://www.rfc-editor.org/rfc/rfc4151: stays the same wherever the page moves on the site.
            unique_id=f"tag:{name},2026:update/{update.pk}",
            unique_id_is_permalink=False,
            pubdate=update.created_at,
            updateddate=update.created_at,
            author_name=name,
        )
    if not document.items:
        document.feed["pubdate"] = timezone.now()
    text: str = document.writeString("utf-8")
    return text


def xml_text(text: str) -> str:
    """The text without what XML cannot hold."""
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def badge(*, label: str, state: str) -> str:
    """A picture of one line, SVG without scripts, fonts or links."""
    value = str(ComponentState(state).label)
    label = xml_text(label)
    left, right = (len(text) * _CHARACTER_WIDTH + 2 * _PADDING for text in (label, value))
    whole = left + right
    words = escape(f"{label}: {value}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="20" role="img" aria-label="{words}">'
        f"<title>{words}</title>"
        f'<rect width="{whole}" height="20" rx="3" fill="#444"/>'
        f'<path d="M{left} 0h{right - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H{left}z" fill="{_COLOURS[state]}"/>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,Geneva,sans-serif" font-size="11">'
        f'<text x="{left / 2}" y="14">{escape(label)}</text>'
        f'<text x="{left + right / 2}" y="14">{escape(value)}</text></g></svg>'
    )
