"""Events for functions, and outcomes of their answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jobs_lambda import message

from jobs_core import Parent

from .conftest import REGION, REPORT, tail

# Events


def test_a_name(drive: Any, cloud: Any) -> None:
    outcome = drive("make-thumbnails")
    assert (outcome.status, outcome.code) == ("done", "200")
    assert outcome.note.startswith("the function returned after ")
    (seen,) = cloud.seen
    assert (seen.function, seen.qualifier, seen.body) == ("make-thumbnails", "", b"{}")
    assert seen.headers["x-amz-invocation-type"] == "RequestResponse"
    assert seen.headers["x-amz-log-type"] == "Tail"
    assert "jobs-lambda" in seen.headers["user-agent"]
    assert f"/{REGION}/lambda/" in seen.headers["authorization"]
    task = {"task": "a@1763900005000", "job": "a", "attempt": 2, "due": 1763900005.0}
    assert seen.context == {"custom": {"jobs": task}}


@pytest.mark.parametrize("event", [{"a": [1, "é", 2**60]}, [], None, "text", 0.5, False])
def test_any_json_is_an_event(drive: Any, cloud: Any, event: Any) -> None:
    assert drive({"function": "f", "event": event}).status == "done"
    assert cloud.seen[0].event == event


def test_qualifier_and_client_context(drive: Any, cloud: Any) -> None:
    context = {"client": {"app_title": "é"}, "custom": {"a": 1}}
    drive({"function": "f", "qualifier": "live", "client-context": context})
    (seen,) = cloud.seen
    assert seen.qualifier == "live"
    assert seen.context["client"] == {"app_title": "é"}
    assert (seen.context["custom"]["a"], seen.context["custom"]["jobs"]["job"]) == (1, "a")


def test_the_event_can_hold_the_task(drive: Any, cloud: Any) -> None:
    drive({"function": "f", "event": {"a": 1}, "task-key": "jobs"})
    task = {"task": "a@1763900005000", "job": "a", "attempt": 2, "due": 1763900005.0}
    assert cloud.seen[0].event == {"a": 1, "jobs": task}


def test_a_function_sees_how_the_parents_ended(drive: Any, cloud: Any) -> None:
    parent = {"job": "load", "task": "load@1", "outcome": "dead", "data": {"text": "x" * 3000}}
    drive({"function": "f", "task-key": "jobs"}, parents=(Parent(**parent),))
    (seen,) = cloud.seen
    assert seen.event["jobs"]["parents"] == [parent]
    short = {"job": "load", "task": "load@1", "outcome": "dead", "truncated": True}
    assert seen.context["custom"]["jobs"]["parents"] == [short]


TRACE = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate": "v=1"}


def test_a_function_sees_the_trace_of_its_task(drive: Any, cloud: Any) -> None:
    context = drive.context()
    context.trace = TRACE
    drive({"function": "f", "task-key": "jobs"}, context)
    (seen,) = cloud.seen
    for found in (seen.event["jobs"], seen.context["custom"]["jobs"]):
        assert {name: found[name] for name in TRACE} == TRACE


def test_a_trace_that_does_not_fit_is_left_out(drive: Any, cloud: Any) -> None:
    context = drive.context()
    context.trace = TRACE
    empty: dict[str, Any] = {"function": "f", "client-context": {"custom": {"a": ""}}}
    room = message.LARGEST_CONTEXT * 3 // 4 - len(message.client_context(empty, message.sample("a"))) * 3 // 4
    drive({"function": "f", "client-context": {"custom": {"a": "x" * room}}}, context)
    queued: dict[str, Any] = {"function": "f", "invocation": "event", "task-key": "jobs"}
    room = message.LARGEST_EVENT["event"] - len(message.event(queued, message.sample("a"))) - len('"a":"",')
    drive(queued | {"event": {"a": "x" * room}}, context)
    about = [cloud.seen[0].context["custom"]["jobs"], cloud.seen[1].event["jobs"]]
    assert [(one["task"], "traceparent" in one) for one in about] == [("a@1763900005000", False)] * 2


def test_the_log_is_requested_only_if_enabled(drive: Any, cloud: Any) -> None:
    drive({"function": "f", "log": False})
    drive({"function": "f", "invocation": "event"})
    assert not any("x-amz-log-type" in seen.headers for seen in cloud.seen)


# Kinds of invocation


def test_an_event_is_queued(drive: Any, cloud: Any) -> None:
    outcome = drive({"function": "f", "invocation": "event", "event": {"a": 1}})
    assert (outcome.status, outcome.code) == ("done", "202")
    assert outcome.note.startswith("the event was queued after ")
    assert sorted(outcome.data) == ["request", "seconds"]
    (seen,) = cloud.seen
    assert seen.headers["x-amz-invocation-type"] == "Event"
    assert "x-amz-client-context" not in seen.headers


def test_a_dry_run(drive: Any, cloud: Any) -> None:
    outcome = drive({"function": "f", "invocation": "dry-run"})
    assert (outcome.status, outcome.code) == ("done", "204")
    assert cloud.seen[0].headers["x-amz-invocation-type"] == "DryRun"


# Answers


def test_an_answer_is_kept(drive: Any, cloud: Any) -> None:
    cloud.route("f", 200, '{"made": "é"}'.encode(), x_amz_log_result=tail("START", REPORT))
    outcome = drive("f")
    assert 0 <= outcome.data.pop("seconds") < 30
    assert outcome.data == {
        "request": "7b1d",
        "version": "3",
        "duration": 0.00251,
        "billed": 0.003,
        "init": 0.1205,
        "memory": 128,
        "used": 36,
        "body": '{"made": "é"}',
        "truncated": False,
    }


@pytest.mark.parametrize(
    ("limit", "kept", "truncated"),
    [(100_000, 100_000, False), (99_999, 99_999, True), (0, 0, True), (None, 65536, True)],
)
def test_limit(drive: Any, cloud: Any, limit: int | None, kept: int, truncated: bool) -> None:
    payload = {"function": cloud.route("f", 200, b"x" * 100_000)}
    outcome = drive(payload if limit is None else payload | {"limit": limit})
    assert (len(outcome.data["body"]), outcome.data["truncated"]) == (kept, truncated)


def test_a_partial_character_is_dropped(drive: Any, cloud: Any) -> None:
    assert drive({"function": cloud.route("f", 200, "café".encode()), "limit": 4}).data["body"] == "caf"
    assert drive(cloud.route("g", 200, b"caf\xe9")).data["body"] == "caf\ufffd"


def test_the_functions_log_goes_to_the_loggers(drive: Any, cloud: Any) -> None:
    cloud.route("f", 200, b"1", x_amz_log_result=tail("START RequestId: 7b1d", "héllo", REPORT))
    drive("f")
    assert drive.lines == [("START RequestId: 7b1d", "log"), ("héllo", "log"), (REPORT, "log")]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["REPORT RequestId: 1\tDuration: 1.00 ms\t", "REPORT RequestId: 2\tDuration: 2 ms\t"], 0.002),
        (['{"type":"platform.report","record":{"metrics":{"durationMs":1500}}}', "XRAY"], 1.5),
        (['{"type":"platform.report","record":{"metrics":{"durationMs":"x"}}}'], None),
        (['{"type":"platform.report","record":{"metrics":[]}}'], None),
        (['{"type":"platform.report"'], None),
        (["REPORT of mine", "Duration: 3 ms"], None),
        ([], None),
    ],
)
def test_reports(drive: Any, cloud: Any, lines: list[str], found: float | None) -> None:
    cloud.route("f", 200, b"1", x_amz_log_result=tail(*lines))
    outcome = drive("f")
    assert (outcome.status, outcome.data.get("duration")) == ("done", found)


# Errors of the function


def test_an_error_of_the_function(drive: Any, cloud: Any) -> None:
    error = {"errorMessage": "s3cret", "errorType": "ValueError", "stackTrace": []}
    outcome = drive(cloud.fail("f", error, x_amz_log_result=tail("Traceback", REPORT)))
    assert (outcome.status, outcome.code) == ("failed", "ValueError")
    assert outcome.note.startswith("the function failed with ValueError after ")
    assert "s3cret" not in outcome.note
    assert json.loads(outcome.data["body"]) == error
    assert (outcome.data["version"], outcome.data["duration"]) == ("3", 0.00251)
    assert drive.lines[0] == ("Traceback", "log")


def test_an_error_is_not_kept_with_limit_zero(drive: Any, cloud: Any) -> None:
    function = cloud.fail("f", {"errorMessage": "s3cret", "errorType": "Sandbox.Timedout"})
    outcome = drive({"function": function, "limit": 0})
    assert outcome.code == "Sandbox.Timedout"
    assert "s3cret" not in str(outcome)


@pytest.mark.parametrize(
    "error",
    [
        {"errorMessage": "Task timed out after 3.00 seconds"},
        {"errorType": "two words: s3cret"},
        {"errorType": "400"},
        {"errorType": ["s3cret"]},
        ["s3cret"],
        "s3cret",
        None,
    ],
)
def test_an_error_without_a_type_that_is_one_word(drive: Any, cloud: Any, error: Any) -> None:
    outcome = drive(cloud.fail("f", error, "Handled"))
    assert (outcome.status, outcome.code) == ("failed", "function")
    assert outcome.note.startswith("the function failed after ")


# Callbacks


def test_a_function_with_callback_receives_the_token(drive: Any, cloud: Any) -> None:
    outcome = drive({"function": "f", "callback": True})
    assert (outcome.status, outcome.note[:28]) == ("accepted", "the function returned after ")
    assert cloud.seen[0].context["custom"]["jobs"]["token"] == "a@1763900005000#1"


def test_a_queued_event_can_call_back(drive: Any, cloud: Any) -> None:
    payload = {"function": "f", "invocation": "event", "callback": True, "task-key": "jobs"}
    assert drive(payload).status == "accepted"
    assert cloud.seen[0].event["jobs"]["token"] == "a@1763900005000#1"


def test_callback_without_a_token_fails(drive: Any, cloud: Any) -> None:
    assert drive({"function": "f", "callback": True}, token="").status == "done"
    assert "token" not in cloud.seen[0].context["custom"]["jobs"]


def test_a_failed_function_is_not_accepted(drive: Any, cloud: Any) -> None:
    cloud.fail("f", {"errorType": "Oops"})
    assert drive({"function": "f", "callback": True}).status == "failed"


# Connections


def test_connections_are_used_again(drive: Any, cloud: Any) -> None:
    cloud.fail("broken", {"errorType": "Oops"})
    cloud.refuse("nowhere", 404, "ResourceNotFoundException")
    for function in ("f", "broken", "nowhere", "f"):
        drive(function)
    drive({"function": "f", "invocation": "event"})
    drive({"function": cloud.route("large", 200, b"x" * 6_000_000), "limit": 10})
    drive("f")
    assert (len(cloud.seen), cloud.connections) == (7, 1)
