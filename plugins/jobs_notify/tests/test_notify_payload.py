"""Payloads, targets and texts of the notify runner, without a server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jobs_notify
import pytest
from jobs_notify.delivery import unsent
from jobs_notify.failures import is_final
from jobs_notify.payload import check, parse, read_days
from jobs_notify.targets import destinations, target
from jobs_notify.text import defused, plain_body, plain_title

from jobs_core import Attempt, Board, Decision, OptionError, Outcome, PayloadError, Plugins, Policy
from jobs_core.testing import make_task, read_settings
from tests.helpers import Jobs

(RUNNER,) = jobs_notify.jobs_runners()


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ({"to": "ops team", "body": "x"}, "to: expected names of targets"),
        ({"to": ["ops", "slack://token"], "body": "x"}, "to: expected names of targets"),
        ({"to": "mailto:ann", "body": "x"}, "to: expected one mail address"),
        ({"to": "mailto:ann@example.com,eve@example.com", "body": "x"}, "to: expected one mail address"),
        (
            {"to": "mailto:ann@example.com\r\nBcc: eve@example.com", "body": "x"},
            "to: expected one mail address",
        ),
        ({"to": "mailto://user:s3cret@example.com", "body": "x"}, "to: expected one mail address"),
        ({"to": "mailto:Ann <ann@example.com>", "body": "x"}, "to: expected one mail address"),
        ({"to": "ops", "body": "x", "digest": "7d"}, "digest: set either"),
        ({"to": "ops", "digest": "seven"}, "digest: expected a time such as 7d"),
        ({"to": "ops", "digest": "0d"}, "digest: expected a time such as 7d"),
        ({"to": "ops", "digest": "400d"}, "digest: expected a time such as 7d"),
        ({"to": "ops"}, "body: expected a text"),
    ],
)
def test_a_payload_is_checked_when_it_is_put(board: Board, payload: Any, says: str) -> None:
    checked = Board(board.name, client=board.client)
    with pytest.raises(PayloadError) as caught:
        checked.put("a", "notify", payload)
    assert says in str(caught.value)
    assert "s3cret" not in str(caught.value) and "eve" not in str(caught.value)


def test_an_alert_needs_no_text_and_cannot_choose_whom_to_notify(board: Board) -> None:
    checked = Board(board.name, client=board.client)
    checked.alert_put("ops", "notify", "ops", when="failed")
    checked.put("a", "console", "x", on_failure="notify ops")
    checked.put("alert", "notify", {"to": "ops", "body": "x"})
    with pytest.raises(PayloadError, match="body: expected a text"):
        checked.put("alert", "notify", "ops")
    for payload in ("ops-{job}", {"to": ["ops", "{job}"]}, {"to": "mailto:{job}@example.com"}):
        with pytest.raises(PayloadError, match=r"^(payload: to: an alert cannot choose|to: expected)"):
            checked.alert_put("bad", "notify", payload, when="failed")


def test_short_and_full_forms() -> None:
    assert parse("ops") == {"to": "ops"}
    assert parse('{"to": ["a"], "title": "x"}') == {"to": ["a"], "title": "x"}
    assert parse("{broken") == {"to": "{broken"}
    check({"to": "mailto:ann+jobs@mail.example.com", "body": "x"}, is_alert=False)
    assert [read_days(text) for text in ("7d", "24h", "1.5d", "2w")] == [7, 1, 1.5, 14]


class TestTargets:
    @staticmethod
    def labels(value: Any, name: str = "ops") -> list[tuple[str, str, str]]:
        found = target(name, {"notify": {"ops": value, "on_call": "json://b"}})
        return [(one.label, one.url, one.address) for one in found]

    def test_one_url_is_named_by_the_target(self) -> None:
        assert self.labels("json://host/a,b") == [("ops", "json://host/a,b", "")]
        assert self.labels(["mailto:ops@other.example"]) == [
            ("ops", "mailto:ops@other.example", "ops@other.example")
        ]
        assert self.labels("x", "On-Call") == [("On-Call", "json://b", "")]

    def test_several_are_named_by_their_schemes(self) -> None:
        text = "slack://t0ken, mailto://u:p@host?to=a@b.c,d@e.f json://x\n json://y"
        assert [label for label, _, _ in self.labels(text)] == [
            *("ops/slack", "ops/mailto", "ops/json", "ops/json-2")
        ]
        assert self.labels(text)[1] == ("ops/mailto", "mailto://u:p@host?to=a@b.c,d@e.f", "")
        assert self.labels(text.replace(", ", " ").split()) == self.labels(text)

    def test_an_unknown_one(self) -> None:
        with pytest.raises(PayloadError, match=r"no target 'dev': it has on_call, ops$"):
            self.labels("json://x", "dev")
        with pytest.raises(PayloadError, match=r"no target 'dev'$"):
            target("dev", {"notify": {}})

    @pytest.mark.parametrize("value", ["", [], "t0ken", ["json://a", "t0ken"], 7])
    def test_what_is_no_url_is_not_shown(self, value: Any) -> None:
        with pytest.raises(OptionError) as caught:
            self.labels(value)
        assert "for the target 'ops'" in str(caught.value) and "t0ken" not in str(caught.value)

    def test_addresses_of_payloads_are_limited_to_domains(self) -> None:
        settings = read_settings(notify_smtp_host="localhost", notify_smtp_from="Jobs <jobs@Example.com>")

        def may(address: str, *domains: str) -> bool:
            try:
                (found,) = destinations(
                    {"to": f"mailto:{address}"}, settings | {"notify_mail_domains": list(domains)}
                )
            except PayloadError as error:
                assert f"JOBS_NOTIFY_MAIL_DOMAINS={','.join([*domains] or ['example.com'])}," in str(error)
                return False
            assert (found.label, found.address) == (address, address)
            return True

        assert may("ann@example.COM")
        assert not may("ann@evil.example")
        assert not may("ann@example.com.evil.example")
        assert not may("ann@sub.example.com")
        assert may("ann@sub.example.com", "*.example.com")
        assert not may("ann@notexample.com", "*.example.com")
        assert not may("ann@example.com", "other.example")
        assert may("ann@evil.example", "*")

    def test_addresses_need_a_mail_server(self) -> None:
        with pytest.raises(OptionError, match="notify_smtp_host: there is no mail server here"):
            destinations({"to": "mailto:ann@example.com"}, read_settings())

    def test_each_is_told_once(self) -> None:
        settings = {"notify": {"ops": "json://a"}}
        assert len(destinations({"to": ["ops", "ops"]}, settings)) == 1


class TestTexts:
    def test_titles_are_one_line(self) -> None:
        assert plain_title("no\r\nBcc: eve@example.com\x00\u2028x") == "no Bcc: eve@example.com x"
        assert len(plain_title("x" * 999)) == 250

    def test_bodies_keep_their_lines(self) -> None:
        assert plain_body("a\r\nb\rc\td\x1b[31m\u202ee\ud800") == "a\nb\nc\td[31me"
        assert len(plain_body("x" * 99_999)) == 20_000

    @pytest.mark.parametrize("call", ["@everyone", "@HERE", "@channel", "<!channel>", "<@U123>", "@room"])
    def test_nobody_is_called(self, call: str) -> None:
        assert call not in defused(f"ask {call}")
        assert defused(f"ask {call}").replace("\N{ZERO WIDTH SPACE}", "") == f"ask {call}"

    def test_other_text_stays(self) -> None:
        text = "a < b, ann@example.com, @ann, <b>bold</b>, all @allen"
        assert defused(text) == text


class TestDecisions:
    ACK, RETRY, NONE = (Plugins().policy(name) for name in ("ack", "retry", "none"))

    def decide(self, code: str, by: Policy = ACK, attempt: int = 1, **options: Any) -> Decision | None:
        task = make_task(RUNNER, "ops", attempt=attempt, options=options)
        return jobs_notify.jobs_decide(task, Outcome.failed("x", code=code), by)

    def test_without_options_it_is_retried_for_a_while(self) -> None:
        delays = []
        for attempt in range(1, 10):
            decision = self.decide("503", attempt=attempt)
            assert decision is not None and decision.verb == "retry"
            delays.append(decision.delay)
        assert delays == [10, 20, 40, 80, 160, 320, 600, 600, 600]
        assert self.decide("503", attempt=10) == Decision.dead()

    def test_the_options_of_the_task_go_before(self) -> None:
        assert self.decide("503", policy="ack") is None
        assert self.decide("503", by=self.RETRY, attempts=2) is None
        assert self.decide("404", by=self.RETRY, **{"retry-on": "404"}) is None
        assert self.decide("404", by=self.NONE) is None

    @pytest.mark.parametrize("code", ["payload", "settings", "404", "401", "smtp-550", "smtp-535"])
    def test_what_no_retry_can_fix_is_given_up(self, code: str) -> None:
        assert is_final(code)
        assert self.decide(code) == self.decide(code, by=self.RETRY, attempts=9) == Decision.dead()

    @pytest.mark.parametrize("code", ["503", "429", "408", "connect", "timeout", "failed", "smtp-451", "tls"])
    def test_other_failures_may_pass(self, code: str) -> None:
        assert not is_final(code)

    def test_success_and_other_runners_are_left_alone(self) -> None:
        task = make_task(RUNNER, "ops")
        assert jobs_notify.jobs_decide(task, Outcome.done(), self.ACK) == Decision.done()
        (console,) = [one for one in Plugins().runners() if one.name == "console"]
        assert (
            jobs_notify.jobs_decide(make_task(console, "x"), Outcome.failed("x", code="404"), self.ACK)
            is None
        )


class TestUnsent:
    LABELS = ("ops/slack", "ops/json-2", "ann@example.com")

    def left(self, *notes: str, status: str = "failed") -> list[str]:
        history = tuple(Attempt(status, 1.0, note=note) for note in notes)
        return unsent(self.LABELS, make_task(RUNNER, "ops", history=history))

    def test_the_last_note_that_tells_counts(self) -> None:
        assert self.left() == [*self.LABELS]
        first = "sent to 1 of 3; not sent: ops/json-2 (503), ann@example.com (smtp-451)"
        assert self.left(first) == [*self.LABELS[1:]]
        assert self.left(first, "sent to 2 of 3; not sent: ops/json-2 (timeout)") == ["ops/json-2"]
        assert self.left(first, "its worker fell silent") == [*self.LABELS[1:]]
        assert self.left("timed out; sent to 2 of 3; not sent: ops/slack (stopped)") == ["ops/slack"]

    @pytest.mark.parametrize(
        "note",
        [
            "sent to 1 of 3; not sent: ops/slack (503), ann@example.c…",
            "sent to 1 of 3; not sent: ops/slack (503), ann@example.com (5…",
            "sent to 0 of 1; not sent: gone (503)",
            "not sent: ",
            "ValueError: x",
        ],
    )
    def test_what_does_not_tell_tells_all(self, note: str) -> None:
        assert self.left(note) == [*self.LABELS]

    def test_an_attempt_that_was_lost_tells_nothing(self) -> None:
        assert self.left("not sent: ops/slack (503)", status="lost") == [*self.LABELS]


def test_putting_warns_of_what_this_machine_does_not_have(jobs: Jobs, targets: Callable[..., None]) -> None:
    words = ("put", "a", "notify", '{"to": "ops", "body": "s3cret"}')
    result = jobs(*words)
    warning = "to: the setting notify of this machine has no target 'ops'"
    assert (result.exit_code, result.stderr) == (0, f"warning: {warning}\n")
    result = jobs("put", "b", "console", "x", "--on-failure", "notify ops")
    assert result.stderr == f"warning: on-failure: {warning}\n"
    targets(ops="json://t0ken")
    assert jobs(*words).stderr == ""
    targets(ops="mailto:ops@example.com")
    assert "notify_smtp_from: mails need a server" in jobs(*words).stderr
