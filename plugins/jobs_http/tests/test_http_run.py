"""The runner with a real server: requests to targets, and outcomes of their answers."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import jobs_http
import pytest
from jobs_http import connect

from jobs_core import Decision, Outcome, Parent, Policy, Task, retry
from tests.helpers import wait_until

# Requests


def test_a_get(drive: Any, target: Any) -> None:
    outcome = drive(target.url("/a?b=c"))
    assert (outcome.status, outcome.code) == ("done", "200")
    assert outcome.note.startswith("HTTP 200 OK in ")
    (seen,) = target.seen
    assert (seen.method, seen.path, seen.body) == ("GET", "/a?b=c", b"")
    assert seen.headers == {
        "host": f"127.0.0.1:{target.server_port}",
        "accept-encoding": "identity",
        "user-agent": "jobs-http/0.1.0",
        "idempotency-key": "a@1763900005000",
        "jobs-attempt": "2",
        "jobs-token": "a@1763900005000#1",
    }
    assert json.loads(outcome.data["body"]) == seen.headers
    assert (outcome.data["type"], outcome.data["truncated"]) == ("application/json", False)


def test_parents_are_a_header(drive: Any, target: Any) -> None:
    parents = (Parent("load", "load@1", "dead", "3", "é", {"rows": 7}), Parent("clean"))
    drive(target.url("/"), parents=parents)
    assert json.loads(target.seen[0].headers["jobs-parents"]) == [
        {"job": "load", "task": "load@1", "outcome": "dead", "code": "3", "note": "é", "data": {"rows": 7}},
        {"job": "clean"},
    ]


def test_parents_too_large_for_a_header_lose_their_data(drive: Any, target: Any) -> None:
    drive(target.url("/"), parents=(Parent("load", "load@1", "done", data={"a": "x" * 5000}),))
    (parent,) = json.loads(target.seen[0].headers["jobs-parents"])
    assert parent == {"job": "load", "task": "load@1", "outcome": "done", "truncated": True}


TRACE = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate": "v=1"}


def test_a_request_continues_the_trace_of_its_task(drive: Any, target: Any) -> None:
    context = drive.context()
    context.trace = TRACE
    drive(target.url(), context)
    drive({"url": target.url(), "headers": {"Traceparent": "mine"}}, context)
    first, second = (seen.headers for seen in target.seen)
    assert {name: first[name] for name in TRACE} == TRACE
    assert second["traceparent"] == "mine"


def test_another_host_sees_the_trace_without_its_state(drive: Any, target: Any) -> None:
    context = drive.context()
    context.trace = TRACE
    drive(target.route("/from", 302, location=target.url("/to", "localhost")), context)
    headers = target.seen[-1].headers
    assert (headers["traceparent"], headers.get("tracestate")) == (TRACE["traceparent"], None)


def test_json(drive: Any, target: Any) -> None:
    drive({"url": target.url(), "json": {"a": [1, "é", 2**60]}})
    (seen,) = target.seen
    assert (seen.method, seen.headers["content-type"]) == ("POST", "application/json")
    assert json.loads(seen.body) == {"a": [1, "é", 2**60]}


def test_json_null_is_a_body(drive: Any, target: Any) -> None:
    drive({"url": target.url(), "json": None})
    assert (target.seen[0].method, target.seen[0].body) == ("POST", b"null")


def test_a_body_with_a_method_and_headers(drive: Any, target: Any) -> None:
    headers = {"content-TYPE": "text/csv", "User-Agent": "mine", "X-Zero": "", "X-Name": " Zoë "}
    drive({"url": target.url(), "method": "PUT", "body": "a;ü", "headers": headers})
    (seen,) = target.seen
    assert (seen.method, seen.body.decode()) == ("PUT", "a;ü")
    assert (seen.headers["content-type"], seen.headers["user-agent"]) == ("text/csv", "mine")
    assert (seen.headers["x-zero"], seen.headers["x-name"]) == ("", "Zoë")


def test_query(drive: Any, target: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_SECRET_KEY", "k&y")
    query = {"b": [1, "x y"], "c": True, "d": {"env": "JOBS_SECRET_KEY"}}
    drive({"url": target.url("/?a=0"), "query": query})
    assert target.seen[0].path == "/?a=0&b=1&b=x+y&c=true&d=k%26y"


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        ({"user": "u", "password": "p:ü"}, "Basic dTpwOsO8"),
        ({"user": "u", "password": {"env": "JOBS_SECRET_A"}}, "Basic dTpz"),
        ({"bearer": "t"}, "Bearer t"),
        ({"bearer": {"env": "JOBS_SECRET_A"}}, "Bearer s"),
    ],
)
def test_auth(drive: Any, target: Any, monkeypatch: pytest.MonkeyPatch, auth: Any, header: str) -> None:
    monkeypatch.setenv("JOBS_SECRET_A", "s")
    drive({"url": target.url(), "auth": auth})
    assert target.seen[0].headers["authorization"] == header


def test_a_user_in_the_url_is_sent_as_a_header(drive: Any, target: Any) -> None:
    drive(target.url("/", "u:p%40@127.0.0.1"))
    assert target.seen[0].headers["authorization"] == "Basic dTpwQA=="


def test_an_id_that_is_not_ascii_is_encoded(drive: Any, target: Any) -> None:
    drive(target.url(), id="zoë@1", token="zoë@1#1")
    assert target.seen[0].headers["idempotency-key"] == "zo%C3%AB@1"
    assert target.seen[0].headers["jobs-token"] == "zo%C3%AB@1#1"


# Answers


@pytest.mark.parametrize("status", [201, 204, 299])
def test_any_2xx_is_done(drive: Any, target: Any, status: int) -> None:
    outcome = drive(target.route("/", status))
    assert (outcome.status, outcome.code) == ("done", str(status))


@pytest.mark.parametrize(
    ("status", "note"),
    [
        (404, "HTTP 404 Not Found in "),
        (503, "HTTP 503 Service Unavailable in "),
        (304, "HTTP 304 Not Modified in "),
        (599, "HTTP 599 in "),
    ],
)
def test_another_status_has_failed(drive: Any, target: Any, status: int, note: str) -> None:
    outcome = drive(target.route("/", status))
    assert (outcome.status, outcome.code) == ("failed", str(status))
    assert outcome.note.startswith(note)


def test_expect(drive: Any, target: Any) -> None:
    url = target.route("/", 404)
    assert drive({"url": url, "expect": ["2xx", 404]}).status == "done"
    assert drive({"url": url, "expect": ["400-404"]}).status == "done"
    assert drive({"url": url, "expect": [405]}).status == "failed"
    assert drive({"url": target.route("/b", 200), "expect": [204]}).status == "failed"


def test_head(drive: Any, target: Any) -> None:
    target.route("/", 200, b"x" * 100)
    outcome = drive({"url": target.url(), "method": "HEAD"})
    assert (outcome.status, outcome.data["body"]) == ("done", "")


@pytest.mark.parametrize(
    ("limit", "kept", "truncated"),
    [(100_000, 100_000, False), (99_999, 99_999, True), (10, 10, True), (0, 0, True), (None, 65536, True)],
)
def test_limit(drive: Any, target: Any, limit: int | None, kept: int, truncated: bool) -> None:
    payload = {"url": target.route("/", 200, b"x" * 100_000)}
    outcome = drive(payload if limit is None else payload | {"limit": limit})
    assert (len(outcome.data["body"]), outcome.data["truncated"]) == (kept, truncated)


def test_an_endless_answer_is_read_only_up_to_the_limit(drive: Any, target: Any) -> None:
    def pour(handler: Any) -> None:
        handler.reply(200, content_length=str(10**12))
        while not target.over.is_set():
            handler.wfile.write(b"0123456789abcdef" * 4096)

    target.routes["/"] = pour
    outcome = drive(target.url())
    assert (outcome.status, len(outcome.data["body"]), outcome.data["truncated"]) == ("done", 65536, True)


def test_a_body_is_text_in_its_charset(drive: Any, target: Any) -> None:
    latin = target.route("/", 200, b"caf\xe9", content_type="text/plain; charset=latin-1")
    assert drive(latin).data["body"] == "café"
    assert drive(target.route("/", 200, b"caf\xe9")).data["body"] == "caf\ufffd"
    assert drive(target.route("/", 200, b"caf\xc3\xa9 !")).data["body"] == "café !"
    strange = target.route("/", 200, b"x", content_type="text/plain; charset=s3cret")
    assert drive(strange).data["body"] == "x"
    cut = {"url": target.route("/", 200, b"caf\xc3\xa9"), "limit": 4}
    assert drive(cut).data["body"] == "caf"


def test_a_requested_compressed_answer(drive: Any, target: Any) -> None:
    url = target.route("/", 200, gzip.compress(b"x" * 10_000_000), content_encoding="gzip")
    outcome = drive({"url": url, "headers": {"accept-encoding": "gzip"}, "limit": 100})
    assert (outcome.data["body"], outcome.data["truncated"]) == ("x" * 100, True)


def test_a_chunked_answer(drive: Any, target: Any) -> None:
    def chunks(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("transfer-encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")

    target.routes["/"] = chunks
    for _ in range(2):
        assert drive(target.url()).data["body"] == "abcde"
    assert target.connections == 1


# Callbacks


def test_202_is_accepted(drive: Any, target: Any) -> None:
    outcome = drive(target.route("/", 202))
    assert (outcome.status, outcome.note[:17]) == ("accepted", "HTTP 202 Accepted")
    assert target.seen[0].headers["jobs-token"] == "a@1763900005000#1"


def test_with_callback_any_expected_answer_is_accepted(drive: Any, target: Any) -> None:
    assert drive({"url": target.url(), "callback": True}).status == "accepted"
    assert drive({"url": target.route("/", 500), "callback": True}).status == "failed"


def test_without_callback_no_answer_is_accepted(drive: Any, target: Any) -> None:
    outcome = drive({"url": target.route("/", 202), "callback": False})
    assert (outcome.status, outcome.code) == ("done", "202")
    assert "jobs-token" not in target.seen[0].headers


def test_callback_without_a_token_fails(drive: Any, target: Any) -> None:
    assert drive({"url": target.route("/", 202), "callback": True}, token="").status == "done"
    assert "jobs-token" not in target.seen[0].headers


# Retries


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds(drive: Any, target: Any, status: int) -> None:
    assert drive(target.route("/", status, retry_after="120")).retry_after == 120
    assert drive(target.route("/", status, retry_after="9" * 40)).retry_after == 86400


def test_retry_after_as_a_date(drive: Any, target: Any) -> None:
    later = drive(target.route("/", 503, retry_after=formatdate(time.time() + 1000, usegmt=True)))
    assert later.retry_after is not None and 0 < later.retry_after <= 1000
    assert drive(target.route("/", 503, retry_after=formatdate(0, usegmt=True))).retry_after == 0


@pytest.mark.parametrize(
    ("status", "value"),
    [(500, "120"), (503, "soon"), (503, "-1"), (503, "\N{ARABIC-INDIC DIGIT ONE}"), (503, "")],
)
def test_no_retry_after(drive: Any, target: Any, status: int, value: str) -> None:
    value = value.encode().decode("latin-1")
    assert drive(target.route("/", status, retry_after=value)).retry_after is None


def decide(code: str, runner: str = "http", policy: str = "retry", **options: Any) -> Decision | None:
    return jobs_http.jobs_decide(_task(runner, options), Outcome.failed("", code=code), Policy(policy, retry))


def _task(runner: str, options: dict[str, Any]) -> Task:
    return Task("a@1", "a", runner, runner, 1.0, 1, "", options=options)


@pytest.mark.parametrize("code", ["400", "401", "404", "410", "422", "499"])
def test_a_fault_of_the_request_is_final(code: str) -> None:
    assert decide(code, attempts=5) == Decision.dead()


@pytest.mark.parametrize(
    "code", ["408", "425", "429", "500", "503", "302", "connect", "timeout", "4xx", "", "40"]
)
def test_transient_failures_are_left_to_the_policy(code: str) -> None:
    assert decide(code) is None


def test_other_runners_policies_and_outcomes_are_left_to_the_policy() -> None:
    assert decide("404", runner="shell") is None
    assert decide("404", policy="none") is None
    assert decide("404", **{"retry-on": "4*"}) is None
    assert jobs_http.jobs_decide(_task("http", {}), Outcome.done(code="404"), Policy("retry", retry)) is None


# Redirects


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "PUT", "GET"),
        (302, "PUT", "PUT"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
        (303, "GET", "GET"),
        (303, "HEAD", "HEAD"),
    ],
)
def test_redirects(drive: Any, target: Any, status: int, method: str, then: str) -> None:
    target.route("/a/b", status, location="../c?d=e#f")
    payload = {"url": target.url("/a/b"), "method": method, "query": {"q": 1}}
    outcome = drive(payload if method in ("GET", "HEAD") else payload | {"json": 1})
    assert outcome.status == "done"
    first, second = target.seen
    assert (first.path, second.path, second.method) == ("/a/b?q=1", "/c?d=e", then)
    assert second.body == (b"1" if then in ("POST", "PUT") else b"")
    assert ("content-type" in second.headers) == (then in ("POST", "PUT"))
    assert target.connections == 1


SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CREDENTIALS = {"authorization", "cookie", "x-api-key", "jobs-token", "webhook-signature"}


@pytest.mark.parametrize("status", [302, 307])
def test_credentials_stay_with_their_host(drive: Any, target: Any, other: Any, status: int) -> None:
    """Credentials that were dropped stay dropped, even if a redirect returns to the host."""
    target.route("/", status, location=target.url("/same"))
    target.route("/same", status, location=other.url("/away"))
    other.route("/away", status, location=target.url("/back"))
    headers = {"Cookie": "a=b", "X-Api-Key": "k", "Accept": "text/plain"}
    payload = {"url": target.url(), "json": 1, "headers": headers, "auth": {"bearer": "t"}, "secret": SECRET}
    target.route("/back", status, location="/again")
    assert drive(payload).status == "done"
    first, same, back, again = target.seen
    (away,) = other.seen
    for seen in (first, same):
        assert seen.headers.keys() >= CREDENTIALS
    for seen in (away, back, again):
        assert CREDENTIALS.isdisjoint(seen.headers)
        assert (seen.headers["accept"], seen.headers["idempotency-key"]) == ("text/plain", "a@1763900005000")


def test_the_signature_covers_the_body_that_is_sent(drive: Any, target: Any) -> None:
    from jobs_http.signing import sign

    target.route("/", 302, location="/next")
    drive({"url": target.url(), "json": 1, "secret": SECRET})
    headers = target.seen[1].headers
    expected = sign(SECRET, headers["webhook-id"], int(headers["webhook-timestamp"]), b"")
    assert headers["webhook-signature"] == expected


def test_too_many_redirects(drive: Any, target: Any) -> None:
    target.route("/", 302, location="/")
    outcome = drive(target.url())
    assert (outcome.status, outcome.code, len(target.seen)) == ("failed", "redirect", 11)
    assert outcome.note.startswith("more than 10 redirects after ")
    assert drive({"url": target.url(), "redirects": 2}).code == "redirect"
    assert len(target.seen) == 14


def test_redirects_that_are_not_followed(drive: Any, target: Any) -> None:
    target.route("/", 302, location="/next")
    target.route("/nowhere", 302)
    assert drive({"url": target.url(), "redirects": 0}).code == "302"
    assert drive({"url": target.url(), "expect": [302]}).status == "done"
    assert drive(target.url("/nowhere")).code == "302"
    assert {seen.path for seen in target.seen} == {"/", "/nowhere"}


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://s3cret/", "http://", "http://[s3cret", "http://a\\@s3cret/"]
)
def test_a_redirect_to_another_scheme(drive: Any, target: Any, location: str) -> None:
    outcome = drive(target.route("/", 302, location=location))
    assert (outcome.status, outcome.code) == ("failed", "redirect")
    assert "s3cret" not in outcome.note


def test_cookies_are_not_kept(drive: Any, target: Any) -> None:
    target.route("/", 302, location="/next", set_cookie="a=b")
    drive(target.url())
    drive(target.url())
    assert not any("cookie" in seen.headers for seen in target.seen)


# Connections


def test_a_connection_is_reused(drive: Any, target: Any) -> None:
    for _ in range(5):
        assert drive({"url": target.url(), "json": 1}).status == "done"
    assert drive(target.route("/fails", 500, b"x" * 100)).status == "failed"
    assert drive({"url": target.route("/long", 200, b"x" * 5000), "limit": 0}).data["truncated"]
    assert drive(target.url()).status == "done"
    assert target.connections == 1


def test_a_connection_closed_by_the_target_is_reopened(drive: Any, target: Any) -> None:
    """This includes a close just as the next request arrives, which no check can detect in advance."""

    def once(handler: Any) -> None:
        del target.routes["/"]
        handler.close_connection = True

    assert drive(target.url()).status == "done"
    target.routes["/"] = once
    assert drive({"url": target.url(), "json": 1}).status == "done"
    assert [seen.body for seen in target.seen] == [b"", b"1", b"1"]


def test_no_answer_on_a_new_connection_is_a_failure(drive: Any, target: Any) -> None:
    target.routes["/"] = lambda handler: setattr(handler, "close_connection", True)
    outcome = drive(target.url())
    assert (outcome.status, outcome.code, len(target.seen)) == ("failed", "connect", 1)


def test_a_connection_that_breaks_during_an_answer(drive: Any, target: Any) -> None:
    def breaks(handler: Any) -> None:
        handler.reply(200, b"x", content_length="100")
        handler.close_connection = True

    target.routes["/"] = breaks
    outcome = drive(target.url())
    assert (outcome.status, outcome.code) == ("failed", "connect")


def test_a_closed_port(drive: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        outcome = drive(f"http://s3cret@127.0.0.1:{unused.getsockname()[1]}/s3cret?s3cret")
    assert (outcome.status, outcome.code) == ("failed", "connect")
    assert outcome.note.startswith("connection failed: Connection refused after ")


def test_an_unknown_host_name(drive: Any) -> None:
    outcome = drive("http://s3cret.invalid/")
    assert (outcome.status, outcome.code) == ("failed", "connect")
    assert outcome.note.startswith("cannot resolve the host name after ")
    assert drive(f"http://{'a' * 64}.invalid/").status == "failed"


def test_an_answer_that_is_not_http(drive: Any, target: Any) -> None:
    def strange(handler: Any) -> None:
        handler.wfile.write(b"s3cret s3cret s3cret\r\n\r\n")
        handler.close_connection = True

    target.routes["/"] = strange
    outcome = drive(target.url())
    assert (outcome.status, outcome.code) == ("failed", "connect")
    assert "s3cret" not in outcome.note


# TLS


def test_tls(drive: Any, secure: Any, certificate: Path) -> None:
    payload = {"url": secure.url("/", "localhost"), "verify": str(certificate)}
    for _ in range(3):
        assert drive(payload).status == "done"
    assert secure.seen[0].headers["host"] == f"localhost:{secure.server_port}"


def test_the_certificate_of_a_client_stays_with_its_host(
    drive: Any, secure: Any, other_secure: Any, certificate: Path
) -> None:
    secure.route("/", 307, location=other_secure.url("/", "localhost"))
    payload = {"url": secure.url("/", "localhost"), "verify": str(certificate), "cert": str(certificate)}
    assert drive(payload).status == "done"
    assert [seen.certified for seen in secure.seen + other_secure.seen] == [True, False]


def test_a_certificate_that_is_not_trusted(drive: Any, secure: Any) -> None:
    outcome = drive(secure.url("/", "localhost"))
    assert (outcome.status, outcome.code) == ("failed", "tls")
    assert outcome.note.startswith("TLS failed: self-signed certificate after ")
    assert secure.seen == []


def test_a_certificate_of_another_host(drive: Any, secure: Any, certificate: Path) -> None:
    outcome = drive({"url": secure.url(), "verify": str(certificate)})
    assert (outcome.status, outcome.code) == ("failed", "tls")
    assert "127.0.0.1" not in outcome.note


def test_certificate_checks_can_be_disabled(drive: Any, secure: Any) -> None:
    assert drive({"url": secure.url(), "verify": False}).status == "done"
    assert drive(secure.url()).code == "tls"  # never on an unverified connection


def test_tls_with_a_server_that_has_none(drive: Any, target: Any) -> None:
    assert drive(target.url().replace("http:", "https:")).code == "tls"


@pytest.mark.parametrize("key", ["verify", "cert"])
def test_a_missing_certificate_file(drive: Any, secure: Any, key: str) -> None:
    outcome = drive({"url": secure.url(), "verify": False} | {key: "/no/s3cret.pem"})
    assert (outcome.status, outcome.code) == ("failed", "tls")
    assert "s3cret" not in outcome.note


def test_credentials_go_from_http_to_https_only_at_their_own_ports(
    drive: Any, target: Any, secure: Any
) -> None:
    target.route("/", 302, location=secure.url("/", "127.0.0.1"))
    drive({"url": target.url(), "auth": {"bearer": "t"}, "verify": False})
    assert "authorization" not in secure.seen[0].headers


# Time


def test_a_read_timeout(drive: Any, target: Any) -> None:
    target.routes["/"] = target.hang
    outcome = drive({"url": target.url(), "timeout": [10, 0.1]})
    assert (outcome.status, outcome.code) == ("failed", "timeout")
    assert outcome.note.startswith("no response in time after ")


def test_a_read_timeout_during_an_answer(drive: Any, target: Any) -> None:
    def half(handler: Any) -> None:
        handler.reply(200, b"x", content_length="100")
        target.hang(handler)

    target.routes["/"] = half
    assert drive({"url": target.url(), "timeout": [10, 0.1]}).code == "timeout"


def test_a_connect_timeout(drive: Any, full: socket.socket) -> None:
    outcome = drive({"url": f"http://127.0.0.1:{full.getsockname()[1]}/", "timeout": [0.1, 10]})
    assert (outcome.status, outcome.code) == ("failed", "timeout")
    assert outcome.note.startswith("no connection in time after ")


def drip(target: Any) -> Any:
    """A route whose answer trickles in, always in time, and never ends."""

    def route(handler: Any) -> None:
        handler.reply(200, content_length="1000000")
        while not target.over.wait(0.02):
            handler.wfile.write(b"x")

    return route


def test_no_request_outlives_its_task(drive: Any, target: Any) -> None:
    target.routes |= {"/hang": target.hang, "/drip": drip(target)}
    for path in ("/hang", "/drip"):
        outcome = drive(target.url(path), drive.context(timeout=0.2))
        assert (outcome.status, outcome.code) == ("failed", "timeout")
    assert drive(target.url(), drive.context(timeout=0)).code == "timeout"


@pytest.mark.parametrize("path", ["/hang", "/drip"])
def test_cancelled(drive: Any, target: Any, path: str) -> None:
    target.routes |= {"/hang": target.hang, "/drip": drip(target)}
    outcome = drive.stopped({"url": target.url(path)}, when=target.came)
    assert (outcome.status, outcome.code) == ("cancelled", "cancelled")
    assert outcome.note.startswith("cancelled after ")


def test_an_answer_interrupted_by_a_stop_is_not_complete(drive: Any, target: Any) -> None:
    """Without a length, the end of the connection ends the answer."""
    begun = threading.Event()

    def endless(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b"x")
        begun.set()
        target.hang(handler)

    target.routes["/"] = endless
    assert drive.stopped(target.url(), when=begun).status == "cancelled"
    assert drive(target.url(), drive.context(timeout=0.2)).code == "timeout"


def test_cancelled_on_a_reused_connection(drive: Any, target: Any) -> None:
    context = drive.context()
    target.routes["/hang"] = target.hang
    outcomes: list[Outcome] = []

    def work() -> None:
        outcomes.append(drive(target.url()))
        target.came.clear()
        outcomes.append(drive(target.url("/hang"), context))
        connect.close()

    thread = threading.Thread(target=work)
    thread.start()
    while len(target.seen) < 2:
        target.came.wait(0.01)
    context.stop()
    thread.join(30)
    assert [outcome.status for outcome in outcomes] == ["done", "cancelled"]
    assert target.connections == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_cancelled_while_nobody_answers(drive: Any, silent: socket.socket, scheme: str) -> None:
    """The connection is open, but no byte arrives, not even of a handshake."""
    told = threading.Event()
    threading.Timer(0.2, told.set).start()
    outcome = drive.stopped({"url": f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/"}, when=told)
    assert outcome.status == "cancelled"


def test_cancelled_while_connecting(drive: Any, full: socket.socket) -> None:
    told = threading.Event()
    threading.Timer(0.2, told.set).start()
    outcome = drive.stopped({"url": f"http://127.0.0.1:{full.getsockname()[1]}/"}, when=told)
    assert outcome.status == "cancelled"


def test_cancelled_before_it_began(drive: Any, target: Any) -> None:
    context = drive.context()
    context.stop()
    assert drive(target.url(), context).status == "cancelled"
    assert target.seen == []


# Cleanup


def test_no_descriptor_is_leaked(drive: Any, target: Any) -> None:
    target.routes["/hang"] = target.hang

    def once() -> None:
        drive(target.url())
        drive({"url": target.url("/hang"), "timeout": [1, 0.05]})
        drive({"url": target.route("/long", 200, b"x" * 100_000), "limit": 1})

    def held() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = held()
    for _ in range(5):
        once()
    connect.close()
    target.over.set()  # the server's sockets belong to this process, too
    wait_until(lambda: held() <= before)


def test_notes_never_contain_payloads(drive: Any, target: Any) -> None:
    target.route("/s3cret", 500)
    payload = {
        "url": target.url("/s3cret?s3cret#s3cret", "s3cret:s3cret@127.0.0.1"),
        "headers": {"X-A": "s3cret"},
        "query": {"s3cret": "s3cret"},
        "json": "s3cret",
    }
    for change in ({}, {"timeout": [1e-9, 1]}, {"verify": "/s3cret"}, {"secret": "s3cret!"}, {"s3cret": 1}):
        assert "s3cret" not in drive(payload | change).note
    for change in ({"headers": {"s3cret": 1}}, {"auth": {"bearer": {"env": "s3cret"}}}):
        assert "s3cret" not in drive(payload | change).note
