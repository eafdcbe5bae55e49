"""Background work through the queue: people are told, monitors watch, one host ticks, and a dead host loses nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import subprocess
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from rehearsal import images
from tests.rehearsal.conftest import PROJECT, Rehearsal, shown, visit
from tests.rehearsal.test_2_browser import browser

__all__ = ["browser"]

Eventually = Callable[..., None]

TOLD_SECONDS = 60
#: A monitor looks every 30 s; a busy machine and a task that comes back once are in it.
NOTICED_SECONDS = 120
#: What a dead worker had in hand is hidden for a minute.
RETURNED_SECONDS = 180


@dataclass(frozen=True)
class Peer:
    """A server on the internet, which is a container on the hosts' network beyond its subnets."""

    rehearsal: Rehearsal
    name: str
    address: str

    @property
    def url(self) -> str:
        return f"http://{self.address}/"

    def received(self, path: str) -> list[dict[str, Any]]:
        """What was POSTed to a path, in order: `headers` and the parsed `body`.

        Webhooks of earlier runs are still subscribed, at the same address. What came twice, as it may, is one.
        """
        lines = self.rehearsal.on(self.name, "sh", "-c", "cat /tmp/received 2>/dev/null || true").splitlines()
        posted = {one["headers"]["webhook-id"]: one for one in map(json.loads, lines) if one["path"] == path}.values()
        return [{**one, "body": json.loads(one["body"]), "text": one["body"]} for one in posted]


def _peer(rehearsal: Rehearsal, number: int) -> Peer:
    vpcs = rehearsal.client("ec2").describe_vpcs(Filters=[{"Name": "tag:Project", "Values": ["slipway"]}])["Vpcs"]
    first, second, *_ = vpcs[0]["CidrBlock"].split(".")
    peer = Peer(rehearsal, f"test-peer-{number}", f"{first}.{second}.255.{number}")
    rehearsal.engine.remove_container(peer.name)
    rehearsal.engine.start_container(
        peer.name,
        images.appliance_image(PROJECT / ".rehearsal" / "authority" / "ca.pem"),
        ["python3", "/peer.py"],
        network=rehearsal.context.network_name(vpcs[0]["VpcId"]),
        address=peer.address,
        volumes={PROJECT / "tests" / "rehearsal" / "peer.py": "/peer.py:ro"},
    )
    return peer


@pytest.fixture(scope="module")
def webhook(rehearsal: Rehearsal) -> Iterator[Peer]:
    peer = _peer(rehearsal, 10)
    yield peer
    rehearsal.engine.remove_container(peer.name)


@pytest.fixture(scope="module")
def target(rehearsal: Rehearsal) -> Iterator[Peer]:
    peer = _peer(rehearsal, 11)
    yield peer
    rehearsal.engine.remove_container(peer.name)


@pytest.fixture(scope="module")
def api(rehearsal: Rehearsal, staff: tuple[str, str]) -> Iterator[httpx.Client]:
    """A member of staff, signed in."""
    client = httpx.Client(base_url=rehearsal.url, verify=rehearsal.trust, timeout=30, headers={"Origin": rehearsal.url})
    with client:
        for _ in range(2):
            client.headers["X-CSRFToken"] = client.get("/api/session/").json()["csrf_token"]
            if not client.get("/api/session/").json()["signed_in"]:
                answer = client.post("/api/session/", json={"username": staff[0], "password": staff[1]})
                assert answer.status_code == 200, shown(answer)
        yield client
        # The page belongs to whoever looks at it next.
        for number in _opened:
            client.post(f"/api/incidents/{number}/updates/", json={"state": "resolved", "message": "The test is over."})
        _opened.clear()


_opened: list[int] = []


def open_incident(api: httpx.Client, title: str) -> int:
    answer = api.post("/api/incidents/", json={"title": title, "message": "We are looking into it."})
    assert answer.status_code == 201, shown(answer)
    number: int = answer.json()["id"]
    _opened.append(number)
    return number


def mail_to(address: str) -> list[EmailMessage]:
    """The messages that the rehearsal's mail server took for an address, the oldest first; what came twice is one."""
    files = sorted((PROJECT / ".rehearsal" / "mail").glob("*.eml"))
    messages = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
    own = [message for message in messages if address in message.get_all("X-Envelope-To", [])]
    return list({message["Message-ID"]: message for message in own}.values())


def link_in(mail: EmailMessage) -> str:
    link = re.search(r"https://\S+", mail.get_content())
    assert link is not None
    return link[0]


def press(browser: Browser, link: str, button: str, then: str) -> None:
    """Open the link of a mail, as its reader does, and press the button of the page that it leads to."""
    with visit(browser) as page:
        page.goto(link)
        pressed = page.get_by_role("button", name=button)
        try:
            pressed.wait_for()
        except PlaywrightTimeoutError:
            # Whether pages come is not asked here. A reader tries once more; what was shown instead stands in the log.
            warnings.warn(f"{page.url} did not come, but: {page.inner_text('body')}", stacklevel=2)
            page.reload()
        pressed.click()
        expect(page.get_by_role("heading", level=1, name=then)).to_be_visible(timeout=15_000)


@dataclass(frozen=True)
class Subscribed:
    """An address, and a webhook with its secret; both are confirmed."""

    address: str
    path: str
    secret: str


@pytest.fixture(scope="module")
def subscribed(rehearsal: Rehearsal, api: httpx.Client, webhook: Peer, browser: Browser) -> Iterator[Subscribed]:
    path = f"/{secrets.token_hex(4)}"
    address = f"reader-{secrets.token_hex(4)}@example.com"
    with httpx.Client(base_url=rehearsal.url, verify=rehearsal.trust, timeout=30) as site:
        for channel, where in (("email", address), ("webhook", webhook.url + path[1:])):
            answer = site.post("/api/subscriptions/", json={"channel": channel, "address": where})
            assert answer.status_code == 202, shown(answer)
        _until(lambda: mail_to(address) and webhook.received(path), TOLD_SECONDS, "both were asked to confirm")
        press(browser, link_in(mail_to(address)[0]), "Subscribe", "You will be told when something happens")
        asked = webhook.received(path)[0]["body"]
        assert asked["type"] == "subscription.confirm"
        # The owner of a webhook is a program, and answers as one.
        confirmed = site.post(asked["confirm_url"])
        assert confirmed.status_code == 200, shown(confirmed)
    yield Subscribed(address, path, asked["secret"])
    for one in api.get("/api/subscribers/?limit=100").json()["results"]:
        if one["address"] in (address, webhook.url + path[1:]):
            api.delete(f"/api/subscribers/{one['id']}/")


def _until(condition: Callable[[], object], seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.5)


def test_who_subscribes_is_asked_and_then_told(
    api: httpx.Client, webhook: Peer, subscribed: Subscribed, eventually: Eventually
) -> None:
    address, path, secret = subscribed.address, subscribed.path, subscribed.secret
    title = f"Slow searches {secrets.token_hex(4)}"
    open_incident(api, title)
    eventually(lambda: any(title in one["Subject"] for one in mail_to(address)), TOLD_SECONDS, "the mail came")
    (mail,) = [one for one in mail_to(address) if title in one["Subject"]]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "We are looking into it." in mail.get_content()

    eventually(lambda: title in json.dumps(webhook.received(path)), TOLD_SECONDS, "the webhook was called")
    (told,) = [one for one in webhook.received(path) if title in one["text"]]
    # https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    signed = f"{told['headers']['webhook-id']}.{told['headers']['webhook-timestamp']}.{told['text']}"
    key = base64.b64decode(secret.removeprefix("whsec_"))
    right = base64.b64encode(hmac.digest(key, signed.encode(), hashlib.sha256)).decode()
    assert told["headers"]["webhook-signature"] == f"v1,{right}"


def test_who_leaves_hears_no_more(
    api: httpx.Client,
    webhook: Peer,
    subscribed: Subscribed,
    site: httpx.Client,
    browser: Browser,
    eventually: Eventually,
) -> None:
    address = f"leaver-{secrets.token_hex(4)}@example.com"
    assert site.post("/api/subscriptions/", json={"channel": "email", "address": address}).status_code == 202
    eventually(lambda: mail_to(address), TOLD_SECONDS, "the address was asked")
    press(browser, link_in(mail_to(address)[0]), "Subscribe", "You will be told when something happens")
    first, second = (f"{name} {secrets.token_hex(4)}" for name in ("First", "Second"))
    open_incident(api, first)
    eventually(lambda: len(mail_to(address)) == 2, TOLD_SECONDS, "the mail came")
    # One click, as a mail program does it: https://www.rfc-editor.org/rfc/rfc8058#section-3.1
    leave = mail_to(address)[1]["List-Unsubscribe"].strip("<>")
    left = site.post(
        leave, content="List-Unsubscribe=One-Click", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert left.status_code == 200, shown(left)
    open_incident(api, second)
    eventually(lambda: second in json.dumps(webhook.received(subscribed.path)), TOLD_SECONDS, "others are told")
    assert len(mail_to(address)) == 2


def test_a_monitor_whose_target_dies_opens_an_incident_and_closes_it(
    rehearsal: Rehearsal, api: httpx.Client, target: Peer, eventually: Eventually
) -> None:
    name = f"Target {secrets.token_hex(4)}"
    made = api.post(
        "/api/monitors/",
        json={
            "name": name,
            "url": target.url,
            "interval_seconds": 30,
            "timeout_seconds": 3,
            "failure_threshold": 1,
            "success_threshold": 1,
        },
    )
    assert made.status_code == 201, shown(made)
    monitor = f"/api/monitors/{made.json()['id']}/"
    try:
        eventually(lambda: api.get(monitor).json()["state"] == "up", NOTICED_SECONDS, "the target is seen")
        rehearsal.engine.run("kill", target.name)
        eventually(lambda: api.get(monitor).json()["state"] == "down", NOTICED_SECONDS, "its death is seen")
        incident = api.get(monitor).json()["incident"]
        opened = api.get(f"/api/incidents/{incident}/").json()
        assert name in opened["title"]
        assert opened["resolved_at"] is None
        rehearsal.engine.run("start", target.name)
        eventually(
            lambda: api.get(f"/api/incidents/{incident}/").json()["resolved_at"],
            NOTICED_SECONDS,
            "the incident is closed",
        )
    finally:
        api.delete(monitor)


def test_an_address_inside_the_network_is_not_asked(api: httpx.Client, rehearsal: Rehearsal) -> None:
    inside = rehearsal.web_instances()[0]["PrivateIpAddress"]
    for url in (f"http://{inside}/healthz", "http://169.254.169.254/latest/meta-data/", "http://127.0.0.1/"):
        answer = api.post("/api/monitors/", json={"name": secrets.token_hex(4), "url": url})
        assert answer.status_code == 400, shown(answer)


def _queue(rehearsal: Rehearsal, suffix: str = "-tasks") -> tuple[Any, str]:
    sqs = rehearsal.client("sqs")
    (url,) = [url for url in sqs.list_queues().get("QueueUrls", []) if url.endswith(suffix)]
    return sqs, url


def _count(rehearsal: Rehearsal, attribute: str, suffix: str = "-tasks") -> int:
    sqs, url = _queue(rehearsal, suffix)
    return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[attribute])["Attributes"][attribute])


def _waiting(rehearsal: Rehearsal, suffix: str = "-tasks") -> list[str]:
    """What lies in a queue, which stays there.

    Without a wait: the queue's own is longer than most things are hidden, so that a message would come again and again
    until it counted as undeliverable.
    """
    sqs, url = _queue(rehearsal, suffix)
    found: dict[str, dict[str, Any]] = {}
    while messages := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=60, WaitTimeSeconds=0
    ).get("Messages"):
        found |= {one["MessageId"]: one for one in messages}
    for one in found.values():
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"], VisibilityTimeout=0)
    return [one["Body"] for one in found.values()]


def test_of_all_hosts_one_ticks(rehearsal: Rehearsal, eventually: Eventually) -> None:
    eventually(rehearsal.ready, 120, "two ready hosts before the test")
    hosts = [instance["InstanceId"] for instance in rehearsal.web_instances()]
    assert len(hosts) == 2
    for host in hosts:
        assert rehearsal.on(host, "systemctl", "is-active", "slipway-worker.service").strip() == "active"
    for host in hosts:
        rehearsal.on(host, "systemctl", "stop", "slipway-worker.service", timeout=90)
    try:
        eventually(lambda: _count(rehearsal, "ApproximateNumberOfMessagesNotVisible") == 0, 90, "nothing is in hand")
        # Long enough for the job that is due every 15 seconds.
        time.sleep(16)
        # Whatever the workers had queued and nobody had begun.
        before = Counter(json.loads(body)["task"] for body in _waiting(rehearsal))
        release = rehearsal.on(hosts[0], "readlink", "/srv/application/current").strip().rsplit("/", 1)[-1]
        said: list[str] = []

        def tick(host: str) -> None:
            said.append(rehearsal.on(host, "slipway-activate", "--manage", release, "--", "tick", timeout=120))

        ticking = [threading.Thread(target=tick, args=(host,)) for host in hosts]
        for thread in ticking:
            thread.start()
        for thread in ticking:
            thread.join()
        counts = [int(match[1]) for text in said if (match := re.search(r"Queued (\d+) tasks", text))]
        assert len(counts) == 2, said
        tasks = Counter(json.loads(body)["task"] for body in _waiting(rehearsal)) - before
        # One tick may come a moment before the job is due, and then the other has it; never both.
        assert tasks["status.tasks.advance_maintenance"] == 1, tasks
        assert sum(counts) == sum(tasks.values())
    finally:
        for host in hosts:
            rehearsal.on(host, "systemctl", "start", "slipway-worker.service", timeout=60)
    eventually(lambda: _count(rehearsal, "ApproximateNumberOfMessages") == 0, 90, "the workers go on")


def test_a_host_that_dies_with_tasks_in_hand_loses_none(
    rehearsal: Rehearsal, api: httpx.Client, subscribed: Subscribed, eventually: Eventually
) -> None:
    address = subscribed.address
    victim = rehearsal.web_instances()[0]["InstanceId"]
    titles: list[str] = []
    for attempt in range(6):
        # A worker that is frozen in its long poll still takes what that is given, and does nothing with it.
        rehearsal.on(victim, "systemctl", "kill", "--signal=STOP", "slipway-worker.service")
        for number in range(3):
            titles.append(f"Number {attempt}.{number} {secrets.token_hex(4)}")
            open_incident(api, titles[-1])
        time.sleep(3)
        if _count(rehearsal, "ApproximateNumberOfMessagesNotVisible"):
            break
        # It was between two polls.
        rehearsal.on(victim, "systemctl", "kill", "--signal=CONT", "slipway-worker.service")
        time.sleep(1)
    else:
        pytest.fail("the frozen worker was given nothing")
    rehearsal.engine.run("kill", victim)

    def told() -> bool:
        subjects = " ".join(one["Subject"] for one in mail_to(address))
        return all(title in subjects for title in titles)

    eventually(told, RETURNED_SECONDS, "everything was told")
    eventually(
        lambda: victim not in rehearsal.healthy_targets() and rehearsal.ready(),
        RETURNED_SECONDS,
        "another instance serves",
    )
    assert not _waiting(rehearsal, "-tasks-dead")


def test_the_hosts_may_use_their_queue_and_no_other(rehearsal: Rehearsal) -> None:
    sqs = rehearsal.client("sqs")
    foreign = sqs.create_queue(QueueName=f"foreign-{secrets.token_hex(3)}")["QueueUrl"]
    try:
        host = rehearsal.web_instances()[0]["InstanceId"]
        program = (
            "import boto3, sys\n"
            "sqs = boto3.client('sqs', region_name='eu-west-1')\n"
            "for url in sys.argv[1:]:\n"
            "    try:\n"
            "        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=['QueueArn'])\n"
            "        print(found['Attributes']['QueueArn'])\n"
            "    except sqs.exceptions.ClientError as error:\n"
            "        print(error.response['Error']['Code'])\n"
        )
        manager = rehearsal.on(host, "systemctl", "show-environment")
        endpoint = next(line for line in manager.splitlines() if line.startswith("AWS_ENDPOINT_URL="))
        own = _queue(rehearsal)[1]
        said = rehearsal.on(host, "env", endpoint, "python3", "-c", program, own, foreign, timeout=60).split()
        assert said[0].endswith("-tasks")
        assert "AccessDenied" in said[1]
    finally:
        sqs.delete_queue(QueueUrl=foreign)


def test_the_table_names_the_queue() -> None:
    done = subprocess.run(["make", "-s", "status"], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert "slipway-rehearsal-tasks" in done.stderr
