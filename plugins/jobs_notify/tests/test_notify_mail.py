"""Mail, on a real SMTP server."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jobs_notify
import pytest

from jobs_core import Board, Context
from jobs_core.testing import read_settings
from tests.helpers import Jobs, working

(RUNNER,) = jobs_notify.jobs_runners()

ANN, BOB = "mailto:ann@example.com", "mailto:bob@example.com"

MailServer = Callable[..., Any]


def test_a_mail_has_what_it_needs(mailbox: Any, drive: Any) -> None:
    outcome = drive({"to": ANN, "title": "Héllo", "body": "Grüße\n.\nFrom the top\n" + "x" * 2000})
    assert (outcome.status, outcome.note) == ("done", "sent to ann@example.com")
    ((address, mail),) = mailbox.mails
    assert (address, mail["To"], mail["Subject"]) == ("ann@example.com", "ann@example.com", "Héllo")
    assert mail["From"] == "Jöbs <jobs@example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"] and mail["Message-ID"].endswith("@example.com>")
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().splitlines()[:3] == ["Grüße", ".", "From the top"]
    assert "x" * 2000 in mail.get_content()


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\r", "\x0b", "\x85", "\u2028"])
def test_a_title_adds_no_header(mailbox: Any, drive: Any, break_: str) -> None:
    title = f"no disk{break_}Bcc: eve@example.com{break_}{break_}<script>"
    assert drive({"to": ANN, "title": title, "body": "x"}).status == "done"
    ((address, mail),) = mailbox.mails
    assert address == "ann@example.com"
    assert mail["Subject"] == "no disk Bcc: eve@example.com <script>"
    assert mail["Bcc"] is None
    assert mail.get_content().splitlines() == ["x"]


def test_each_attempt_has_the_same_message_id(mailbox: Any, drive: Any) -> None:
    for attempt in (1, 2):
        drive({"to": ANN, "body": "x"}, attempt=attempt)
    drive({"to": ANN, "body": "x"}, id="other@1763900005000")
    first, second, other = (mail["Message-ID"] for _, mail in mailbox.mails)
    assert first == second != other


def test_several_get_mails_of_their_own(mailbox: Any, drive: Any) -> None:
    assert drive({"to": [ANN, BOB], "body": "x"}).note == "sent to ann@example.com, bob@example.com"
    assert [(address, mail["To"]) for address, mail in mailbox.mails] == [
        ("ann@example.com", "ann@example.com"),
        ("bob@example.com", "bob@example.com"),
    ]


def test_a_retry_mails_only_those_who_were_not_told(mailbox: Any, board: Board) -> None:
    mailbox.answers["bob@example.com"] = ["451 Try again, t0ken"]
    board.push("notify", {"to": [ANN, BOB], "body": "x"}, attempts=3, backoff=0.01)
    with working(board, RUNNER) as (_, log):
        first, second = log.wait_for("task.finished", 2)
    assert first.outcome is not None and second.outcome is not None
    assert (first.outcome.code, first.outcome.note) == (
        "smtp-451",
        "sent to 1 of 2; not sent: bob@example.com (smtp-451)",
    )
    assert second.outcome.status == "done"
    assert [address for address, _ in mailbox.mails] == ["ann@example.com", "bob@example.com"]


def test_an_address_that_is_refused_for_good_is_given_up(mailbox: Any, board: Board) -> None:
    mailbox.answers["bob@example.com"] = ["550 Nobody here"]
    board.push("notify", {"to": [BOB, ANN], "body": "x"}, attempts=3, backoff=0.01)
    with working(board, RUNNER) as (_, log):
        (event,) = log.wait_for("task.finished")
    assert event.decision is not None and event.decision.verb == "dead"
    assert event.outcome is not None
    assert event.outcome.note == "sent to 1 of 2; not sent: bob@example.com (smtp-550)"


def test_targets_may_be_anywhere_but_payloads_may_not(
    mailbox: Any, drive: Any, targets: Callable[..., None]
) -> None:
    targets(ops="mailto:ops@other.example")
    assert drive({"to": "ops", "body": "x"}).note == "sent to ops"
    assert mailbox.mails[0][0] == "ops@other.example"
    outcome = drive({"to": "mailto:ops@other.example", "body": "x"})
    assert (outcome.status, outcome.code) == ("failed", "payload")
    assert "JOBS_NOTIFY_MAIL_DOMAINS=example.com,other.example" in outcome.note
    assert len(mailbox.mails) == 1


def test_starttls_and_a_login(
    mail_server: MailServer,
    tls: ssl.SSLContext,
    certificate: Path,
    drive: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    box = mail_server(tls_context=tls, require_starttls=True, auth_required=True, authenticator=None)
    monkeypatch.setenv("JOBS_NOTIFY_SMTP_TLS", "starttls")
    assert drive({"to": ANN, "body": "x"}).code == "tls"  # the certificate is not trusted
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    assert drive({"to": ANN, "body": "x"}).code == "smtp-530"  # no login
    assert box.mails == []


def test_a_login(
    mail_server: MailServer,
    tls: ssl.SSLContext,
    certificate: Path,
    drive: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    box = None

    def authenticate(*arguments: Any) -> Any:
        assert box is not None
        return box.login(*arguments)

    box = mail_server(tls_context=tls, require_starttls=True, auth_required=True, authenticator=authenticate)
    monkeypatch.setenv("JOBS_NOTIFY_SMTP_TLS", "starttls")
    monkeypatch.setenv("JOBS_NOTIFY_SMTP_USER", "ann")
    monkeypatch.setenv("JOBS_NOTIFY_SMTP_PASSWORD", "s3cret-wrong")
    outcome = drive({"to": ANN, "body": "x"})
    assert (outcome.code, "s3cret" in repr(outcome)) == ("smtp-535", False)
    monkeypatch.setenv("JOBS_NOTIFY_SMTP_PASSWORD", "s3cret-password")
    assert drive({"to": ANN, "body": "x"}).status == "done"
    assert box.logins[-1] == (b"ann", b"s3cret-password")
    assert len(box.mails) == 1


def test_a_server_without_tls_gets_no_mail(
    mail_server: MailServer, drive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = mail_server()
    monkeypatch.setenv("JOBS_NOTIFY_SMTP_TLS", "starttls")
    outcome = drive({"to": ANN, "body": "x"})
    assert outcome.note == "sent to 0 of 1; not sent: ann@example.com (settings)"
    monkeypatch.setenv("JOBS_NOTIFY_SMTP_TLS", "tls")
    assert drive({"to": ANN, "body": "x"}).code == "tls"
    assert box.mails == []


def test_a_server_that_is_away(mailbox: Any, drive: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("JOBS_NOTIFY_SMTP_PORT", str(free.getsockname()[1]))
        assert drive({"to": [ANN, BOB], "body": "x"}).note == (
            "sent to 0 of 2; not sent: ann@example.com (connect), bob@example.com (connect)"
        )


def test_a_server_that_says_nothing_does_not_hold_up_a_stop(
    mailbox: Any, drive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("JOBS_NOTIFY_SMTP_PORT", str(silent.getsockname()[1]))
        outcome = drive({"to": ANN, "body": "x"}, timeout=0.2)
        assert (outcome.status, outcome.code) == ("failed", "timeout")
        monkeypatch.setattr("jobs_notify.mail.TIMEOUT", 0.2)
        outcome = drive({"to": ANN, "body": "x"})
        assert outcome.note == "sent to 0 of 1; not sent: ann@example.com (timeout)"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("TLS", "ssl", "notify_smtp_tls: expected starttls, tls or none, got 'ssl'"),
        ("FROM", "not an address", "notify_smtp_from: mails need a server"),
    ],
)
def test_doctor_names_mistakes(
    mailbox: Any, jobs: Jobs, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(f"JOBS_NOTIFY_SMTP_{name}", value)
    assert f"✗ mail-server: {says}" in jobs("doctor").stdout


def test_doctor_tries_the_mail_server(
    mailbox: Any, jobs: Jobs, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert f"✓ mail-server: localhost:{mailbox.port} takes mail" in jobs("doctor").stdout
    monkeypatch.setenv("JOBS_NOTIFY_SMTP_USER", "ann")
    monkeypatch.setenv("JOBS_NOTIFY_SMTP_PASSWORD", "s3cret")
    found = {line["check"]: line for line in map(json.loads, jobs("doctor", "--json").stdout.splitlines())}
    assert found["mail-server"]["state"] == "problem"
    assert "it offers no TLS, or no login" in found["mail-server"]["advice"]
    assert "s3cret" not in json.dumps(found)
    monkeypatch.setenv("JOBS_NOTIFY_SMTP_PORT", "1")
    assert "localhost:1 does not take mail: connect" in jobs("doctor").stdout
    monkeypatch.delenv("JOBS_NOTIFY_SMTP_HOST")
    assert "✓ mail-server: no mail server is set" in jobs("doctor").stdout


def test_test_mails(mailbox: Any, jobs: Jobs) -> None:
    result = jobs("notify", "test", ANN)
    assert (result.exit_code, result.stdout) == (0, "ann@example.com: sent\n")
    assert mailbox.mails[0][1]["Subject"] == "A test of Jobs"


def test_secrets_are_not_in_a_repr() -> None:
    from jobs_notify.mail import MailServer

    settings = read_settings(
        notify_smtp_host="h", notify_smtp_from="a@b.example", notify_smtp_password="s3cret"
    )
    assert "s3cret" not in repr(MailServer.read(settings))
    assert "s3cret" not in repr(Context("w", settings=settings))
