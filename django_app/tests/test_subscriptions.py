"""Who asks is asked back, who has had enough is let go, and everybody else is told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import smtplib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.db import connection
from django.tasks import default_task_backend
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.roles import Role
from audit.models import AuditEntry
from status.services import incident_update_post, maintenance_advance
from subscribers import links, messages, services, tasks
from subscribers.models import Delivery, Notification, Subscriber
from tests.conftest import SiteClient, sign_in_as
from tests.factories import ComponentFactory, UserFactory, make_incident, make_maintenance, make_subscriber
from tests.outside import Outside, reachable_outside

# On-commit work runs as in a request.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> Iterator[Outside]:
    with reachable_outside() as world:
        yield world


@pytest.fixture(autouse=True)
def _no_tasks_yet() -> None:
    default_task_backend.clear()  # type: ignore[attr-defined]


def run_tasks() -> list[str]:
    """Do what is queued, and what that queues, everything twice: SQS may deliver a message twice."""
    results: list[Any] = default_task_backend.results  # type: ignore[attr-defined]
    done: list[str] = []
    while results:
        result = results.pop(0)
        for _ in range(2):
            result.task.call(*result.args, **result.kwargs)
        done.append(result.task.name)
    return done


def subscribe(site: SiteClient, **body: Any) -> Any:
    return site.write("POST", "/api/subscriptions/", body)


def path_of(url: str) -> str:
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}" == "https://app.example.com"
    return f"{parts.path}?{parts.query}"


def links_in(text: str) -> list[str]:
    return [path_of(url) for url in re.findall(r"https://\S+", text)]


def test_from_the_wish_to_the_message_to_the_end(site: SiteClient) -> None:
    assert subscribe(site, channel="email", address="Ada@Example.com").status_code == 202
    run_tasks()
    (asked,) = mail.outbox
    assert asked.to == ["ada@example.com"]
    make_incident(title="Too early")
    run_tasks()
    assert len(mail.outbox) == 1

    (shown,) = links_in(str(asked.body))
    assert shown.startswith("/subscriptions/confirm?token="), "a page of the front end, which asks the API"
    confirm = f"/api{shown}".replace("?", "/?")
    page = site.get(confirm, headers={"accept": "text/html"})
    assert page.status_code == 200
    assert "<button" in page.content.decode()
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert Subscriber.objects.get().confirmed_at is None, "a program that follows links confirms nothing"
    assert site.post(confirm, headers={"accept": "text/html"}).status_code == 200
    assert Subscriber.objects.get().confirmed_at is not None

    incident = make_incident(title="Slow\r\nBcc: everybody@example.com")
    run_tasks()
    told = mail.outbox[1]
    assert told.subject == "Investigating: Slow Bcc: everybody@example.com"
    assert f"https://app.example.com/incidents/{incident.pk}" in told.body
    assert "https://app.example.com/subscriptions/unsubscribe?token=" in told.body
    headers = told.message()
    assert "Bcc" not in headers
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["Auto-Submitted"] == "auto-generated"

    leave = path_of(str(headers["List-Unsubscribe"]).strip("<>"))
    assert site.get(leave).status_code == 200
    assert Subscriber.objects.exists()
    # As a mail program does it: a form, no cookie, no CSRF token, no redirect.
    answer = SiteClient().post(leave, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 200
    assert not Subscriber.objects.exists()
    assert SiteClient().post(leave).status_code == 200, "once more is no error"
    assert site.post(confirm).status_code == 404
    incident_update_post(incident=incident, message="Over.", state="resolved")
    run_tasks()
    assert len(mail.outbox) == 2


def test_a_webhook_is_asked_told_and_can_check_who_speaks(site: SiteClient, world: Outside) -> None:
    assert subscribe(site, channel="webhook", address=f"{world.url}hook").status_code == 202
    run_tasks()
    (asked,) = world.received
    content = json.loads(asked.body)
    assert content["type"] == "subscription.confirm"
    assert site.post(path_of(content["confirm_url"])).json() == {"detail": "You will be told when something happens."}

    component = ComponentFactory.create()
    incident = make_incident(components=[component])
    run_tasks()
    told = world.received[1]
    assert (told.method, told.path) == ("POST", "/hook")
    body = json.loads(told.body)
    assert body["type"] == "incident.opened"
    assert body["data"]["components"] == [component.pk]
    assert body["data"]["url"].endswith(f"/incidents/{incident.pk}")
    key = base64.b64decode(content["secret"].removeprefix("whsec_"))
    signed = f"{told.headers['webhook-id']}.{told.headers['webhook-timestamp']}.".encode() + told.body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert told.headers["webhook-signature"] == f"v1,{expected}"

    assert SiteClient().post(path_of(body["unsubscribe_url"])).status_code == 200
    assert not Subscriber.objects.exists()


def test_a_webhook_that_is_gone_is_forgotten(world: Outside) -> None:
    make_subscriber(channel="webhook", address=world.url)
    world.status = 410
    make_incident()
    run_tasks()
    assert not Subscriber.objects.exists()


def test_a_webhook_leads_nowhere_by_a_redirect(world: Outside) -> None:
    make_subscriber(channel="webhook", address=world.url)
    world.status, world.headers = 302, {"Location": "http://169.254.169.254/"}
    make_incident()
    run_tasks()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.detail) == ("pending", "The webhook answered 302.")
    assert len(world.received) == 1


def test_a_webhook_that_fails_is_tried_later_and_at_last_no_more(world: Outside) -> None:
    make_subscriber(channel="webhook", address=world.url)
    world.status = 500
    make_incident()
    run_tasks()
    delivery = Delivery.objects.get()
    waits = []
    while delivery.state == "pending":
        waits.append(round((delivery.next_attempt_at - timezone.now()).total_seconds() / 60))
        Delivery.objects.update(next_attempt_at=timezone.now() - timedelta(minutes=2))
        tasks.queue_forgotten.call()
        run_tasks()
        delivery.refresh_from_db()

    assert waits == [1, 2, 4, 8, 16, 32, 64]
    assert (delivery.state, delivery.attempts) == ("failed", services.MAXIMUM_ATTEMPTS)
    assert len(world.received) == services.MAXIMUM_ATTEMPTS


def test_who_wants_to_hear_of_one_component_hears_of_that_one() -> None:
    wanted, other = ComponentFactory.create(), ComponentFactory.create()
    make_subscriber(address="one@example.com", components=[wanted])
    make_subscriber(address="all@example.com")

    make_incident(components=[wanted, other])
    make_incident(components=[other])
    make_incident()
    run_tasks()

    told = sorted(message.to[0] for message in mail.outbox)
    assert told == ["all@example.com"] * 3 + ["one@example.com"]


def test_maintenance_is_told_of_when_it_is_announced_begins_and_ends() -> None:
    make_subscriber()
    maintenance = make_maintenance()
    maintenance_advance(now=maintenance.starts_at)
    maintenance_advance(now=maintenance.ends_at)
    run_tasks()

    assert [message.subject for message in mail.outbox] == [
        "Maintenance scheduled: A new disk",
        "Maintenance in progress: A new disk",
        "Maintenance completed: A new disk",
    ]


def test_what_is_rolled_back_is_not_told_of() -> None:
    from django.db import transaction

    make_subscriber()
    with transaction.atomic():
        make_incident()
        transaction.set_rollback(True)
    assert run_tasks() == []
    assert not Notification.objects.exists()


def test_a_queue_that_is_away_costs_nothing_but_time(monkeypatch: pytest.MonkeyPatch) -> None:
    make_subscriber()

    def away(*arguments: Any, **options: Any) -> None:
        raise OSError("no queue")

    with monkeypatch.context() as patch:
        patch.setattr(type(default_task_backend), "enqueue", away, raising=False)
        patch.setattr("django.tasks.backends.dummy.DummyBackend.enqueue", away)
        make_incident()
    assert run_tasks() == []

    Notification.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    Subscriber.objects.update(confirmed_at=timezone.now() - timedelta(days=1))
    tasks.queue_forgotten.call()
    run_tasks()

    assert len(mail.outbox) == 1


def test_a_worker_that_died_while_sending_is_followed_by_another() -> None:
    make_subscriber()
    make_incident()
    tasks.fan_out.call(Notification.objects.get().pk)
    delivery = Delivery.objects.get()
    assert services.delivery_claim(delivery_id=delivery.pk, now=timezone.now()) is not None
    tasks.deliver.call(delivery.pk)
    assert mail.outbox == [], "the lease is the first worker's"

    Delivery.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))
    tasks.deliver.call(delivery.pk)
    assert len(mail.outbox) == 1


def test_a_mail_server_that_is_away_is_waited_for(site: SiteClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise smtplib.SMTPServerDisconnected

    subscribe(site, channel="email", address="ada@example.com")
    default_task_backend.clear()  # type: ignore[attr-defined]
    subscriber = Subscriber.objects.get()
    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.EmailMessage.send", refuse)
        with pytest.raises(messages.NotDelivered):
            tasks.send_confirmation.call(subscriber.pk)
    tasks.send_confirmation.call(subscriber.pk)
    assert len(mail.outbox) == 1


def test_nobody_learns_who_has_subscribed_and_nobody_is_flooded(site: SiteClient) -> None:
    make_subscriber(address="known@example.com")
    answers = [
        subscribe(site, channel="email", address=f"{name}@example.com") for name in ("known", "new", "new", "new")
    ]
    run_tasks()

    assert {(answer.status_code, answer.content) for answer in answers} == {(202, answers[0].content)}
    assert [message.to for message in mail.outbox] == [["new@example.com"]]


def test_without_a_mail_server_no_address_is_taken(site: SiteClient) -> None:
    with override_settings(DEFAULT_FROM_EMAIL=""):
        assert subscribe(site, channel="email", address="ada@example.com").status_code == 409


@pytest.mark.parametrize(
    ("channel", "address"),
    [
        ("email", "ada"),
        ("email", "ada@example.com\r\nBcc: x@example.com"),
        ("email", "a" * 250 + "@example.com"),
        ("email", "http://example.com/"),
        ("webhook", "http://169.254.169.254/"),
        ("webhook", "http://127.0.0.1/"),
        ("webhook", "http://localhost:6379/"),
        ("webhook", "https://[fd00::1]/"),
        ("webhook", "ada@example.com"),
        ("webhook", "https://8.8.8.8/\r\nX-Evil: 1"),
    ],
)
def test_a_senseless_address_is_refused(site: SiteClient, channel: str, address: str) -> None:
    response = subscribe(site, channel=channel, address=address)

    assert response.status_code == 400, response.content
    assert response.json()["errors"][0]["pointer"] == "#/address"
    assert not Subscriber.objects.exists()


@pytest.mark.parametrize("token", ["", "1", "1:x", "1:1:x", "x" * 201])
@pytest.mark.parametrize("action", ["confirm", "unsubscribe"])
def test_a_link_cannot_be_guessed(site: SiteClient, action: str, token: str) -> None:
    subscriber = make_subscriber(confirmed_at=None)
    assert site.post(f"/api/subscriptions/{action}/?token={token}").status_code in (400, 404)
    subscriber.refresh_from_db()
    assert subscriber.confirmed_at is None


def test_a_link_of_one_kind_is_none_of_the_other() -> None:
    subscriber = make_subscriber()
    confirm = links.confirm_link(subscriber_id=subscriber.pk).split("token=")[1].replace("%3A", ":")
    leave = links.unsubscribe_link(subscriber_id=subscriber.pk).split("token=")[1].replace("%3A", ":")

    assert links.read_confirm_token(confirm) == links.read_unsubscribe_token(leave) == subscriber.pk
    assert links.read_unsubscribe_token(confirm) is None
    assert links.read_confirm_token(leave) is None


def test_subscribing_is_limited(site: SiteClient) -> None:
    answers = [subscribe(site, channel="email", address=f"{n}@example.com").status_code for n in range(12)]
    assert answers[:9] == [202] * 9
    assert answers[-1] == 429


def test_administrators_see_and_remove_subscribers(staff: SiteClient) -> None:
    component = ComponentFactory.create()
    one = make_subscriber(components=[component])
    make_subscriber(address="x@example.com", confirmed_at=None)
    assert staff.get("/api/subscribers/").status_code == 403
    client = sign_in_as(UserFactory.create(is_staff=True, role=Role.ADMINISTRATOR))

    with CaptureQueriesContext(connection) as queries:
        listed = client.get("/api/subscribers/?confirmed=true&channel=email").json()["results"]
    assert len(queries) <= 4
    assert [subscriber["id"] for subscriber in listed] == [one.pk]
    assert listed[0]["components"] == [{"id": component.pk, "name": component.name}]

    assert client.write("DELETE", f"/api/subscribers/{one.pk}/").status_code == 204
    assert AuditEntry.objects.filter(action="subscriber.remove").count() == 1


def test_what_was_told_and_what_was_never_confirmed_is_forgotten() -> None:
    make_subscriber(address="old@example.com", confirmed_at=None, created_at=timezone.now() - timedelta(days=8))
    make_subscriber(address="new@example.com", confirmed_at=None)
    make_subscriber()
    make_incident()
    run_tasks()
    Notification.objects.update(created_at=timezone.now() - timedelta(days=31))

    tasks.apply_retention.call()

    assert sorted(Subscriber.objects.values_list("address", flat=True)) == ["ada@example.com", "new@example.com"]
    assert not Notification.objects.exists()
    assert not Delivery.objects.exists()


def test_telling_many_takes_few_queries() -> None:
    for number in range(30):
        make_subscriber(address=f"{number}@example.com")
    make_incident()
    notification = Notification.objects.get()

    with CaptureQueriesContext(connection) as queries:
        assert len(services.notification_fan_out(notification_id=notification.pk, now=timezone.now())) == 30

    assert len(queries) <= 8, [query["sql"] for query in queries]
