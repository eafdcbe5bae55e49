"""Mail of the hosts is kept, as it was sent."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from rehearsal.dataplane import mail


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[mail.MailServers]:
    servers = mail.MailServers(tmp_path / "mail", 0)
    yield servers
    servers.stop()


def send(port: int, subject: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "status@example.com", "you@example.com", subject
    message.set_content("Grüße\n.\nund mehr\n")
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.send_message(message, to_addrs=["you@example.com", "blind@example.com"])


def test_a_message_is_a_file(servers: mail.MailServers, tmp_path: Path) -> None:
    port = servers.listen("127.0.0.1")
    assert servers.listen("127.0.0.1") == port
    send(port, "Hello")
    (file,) = (tmp_path / "mail").iterdir()
    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert message["Subject"] == "Hello"
    assert message.get_all("X-Envelope-To") == ["you@example.com", "blind@example.com"]
    assert message.get_content().replace("\r\n", "\n") == "Grüße\n.\nund mehr\n"


def test_the_oldest_go(servers: mail.MailServers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "KEPT", 2)
    port = servers.listen("127.0.0.1")
    for number in range(4):
        send(port, f"number {number}")
    kept = [message_from_bytes(file.read_bytes())["Subject"] for file in sorted((tmp_path / "mail").iterdir())]
    assert kept == ["number 2", "number 3"]


def test_an_address_that_comes_later_is_fine(servers: mail.MailServers) -> None:
    assert servers.listen("10.255.254.1") > 0
