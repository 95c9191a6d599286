"""Problems on the way to CloudWatch: losses are small, counted and reported once."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from jobs_cloudwatch import sender

from jobs_core import OptionError

from .conftest import event, opened, refusal, said, worker_info


@pytest.mark.parametrize(
    "answer",
    [
        refusal("ThrottlingException"),
        refusal("ServiceUnavailableException", 503),
        refusal("InternalFailure", 500),
        (502, "no JSON of AWS"),
        None,
    ],
)
def test_failed_batches_are_retried_without_loss(service: Any, capsys: Any, answer: Any) -> None:
    service.script("PutLogEvents", answer, answer, answer)
    with opened(service.url) as (logger, _):
        for number in range(3):
            logger.write(event(number, time.time()))
            service.wait_for(lambda: "PutLogEvents" in service.asked)
        service.wait_for(lambda: len(service.stored) == 3)
    assert service.notes == ["0", "1", "2"]
    first, then = said(capsys)
    assert first.startswith("cannot send events and buffers the last 10,000: ")
    assert then == "sends events again"


def test_a_brief_failure_is_not_reported(service: Any, capsys: Any) -> None:
    service.script("PutLogEvents", refusal("ThrottlingException"))
    with opened(service.url) as (logger, _):
        logger.write(event("a", time.time()))
        service.wait_for(lambda: len(service.stored) == 1)
    assert said(capsys) == []


def test_boto3_retries_are_disabled(service: Any) -> None:
    service.routes["CreateLogStream"] = lambda body: refusal("ThrottlingException")
    with opened(service.url) as (logger, _):
        logger.write(event("a", time.time()))
        service.wait_for(lambda: len(service.asked) >= 3)
        service.routes.clear()
    assert set(service.asked[:-1]) == {"CreateLogStream"}


def test_a_buffer_that_fills_up_is_sent_at_once(service: Any) -> None:
    with opened(service.url, every=3600.0, buffer=10) as (logger, _):
        for number in range(5):
            logger.write(event(number, time.time()))
        service.wait_for(lambda: len(service.stored) == 5)


def test_excess_events_are_dropped_oldest_first_and_counted(service: Any, capsys: Any) -> None:
    away = threading.Event()

    def answer(body: Any) -> Any:
        return (200, {}) if away.is_set() else refusal("ServiceUnavailableException", 503)

    service.routes["PutLogEvents"] = answer
    with opened(service.url, buffer=10) as (logger, _):
        for number in range(133):
            logger.write(event(number, time.time()))
        service.wait_for(lambda: service.asked.count("PutLogEvents") >= 3)
        away.set()
        service.wait_for(lambda: len(service.stored) == 11)
    assert service.notes == [
        *map(str, range(123, 133)),
        "dropped 123 events: 123 did not fit in the buffer",
    ]
    assert service.messages[-1]["kind"] == "trouble" and service.messages[-1]["worker"] == "host-1"
    assert said(capsys)[1:] == ["sends events again"]


def test_a_rejected_event_does_not_affect_others(service: Any, capsys: Any) -> None:
    held = threading.Event()

    def answer(body: Any) -> Any:
        held.wait(30)
        bad = any("bad" in event["message"] for event in body["logEvents"])
        return refusal("InvalidParameterException") if bad else (200, {})

    service.routes["PutLogEvents"] = answer
    with opened(service.url) as (logger, _):
        for number in range(100):
            logger.write(event("bad s3cret" if number in (0, 41) else number, time.time()))
        held.set()
        service.wait_for(lambda: any("dropped 2 events" in note for note in service.notes))
    good = [note for note in service.notes if not note.startswith("dropped")]
    assert good == [str(number) for number in range(100) if number not in (0, 41)]
    assert said(capsys) == []


def test_a_batch_is_given_up_after_many_rejections(service: Any, capsys: Any, monkeypatch: Any) -> None:
    """If everything is rejected, a batch is dropped instead of being sent one by one."""
    monkeypatch.setattr(sender, "MAX_REJECTIONS", 10)
    service.routes["PutLogEvents"] = lambda body: refusal("InvalidParameterException")
    with opened(service.url, every=3600.0) as (logger, _):
        for number in range(1000):
            logger.write(event(number, time.time()))
    assert service.asked.count("PutLogEvents") <= 2 * 10 + 1
    assert said(capsys) == ["could not send 1000 events before the worker stopped in 5 s"]


def test_events_rejected_in_a_successful_reply_are_counted(service: Any) -> None:
    info = {"tooOldLogEventEndIndex": 1, "tooNewLogEventStartIndex": 3}
    service.script("PutLogEvents", (200, {"rejectedLogEventsInfo": info}))
    with opened(service.url, every=3600.0) as (logger, _):
        for number in range(5):
            logger.write(event(number, time.time()))
    assert service.notes[5:] == ["dropped 3 events: 3 were too old or too new"]


# Closing


def test_stopping_during_a_hanging_call_is_bounded(service: Any, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(sender, "CLOSING", 0.2)
    service.routes["PutLogEvents"] = service.hang
    with opened(service.url) as (logger, _):
        logger.write(event(0, time.time()))
        service.wait_for(lambda: "PutLogEvents" in service.asked)
        for number in range(6):
            logger.write(event(number, time.time()))
    assert not service.over.is_set()
    assert said(capsys) == ["could not send 7 events before the worker stopped in 0.2 s"]
    service.stop()
    assert said(capsys) == [], "nothing is heard of it later"


def test_the_last_try_is_made_when_the_worker_stops(service: Any, monkeypatch: Any) -> None:
    """The stop does not wait for the current pause."""
    monkeypatch.setattr(sender, "backoff", lambda failures: 0.01 if failures == 1 else 3600.0)
    away = refusal("ServiceUnavailableException", 503)
    service.script("PutLogEvents", away, away)
    with opened(service.url) as (logger, _):
        logger.write(event("a", time.time()))
        service.wait_for(lambda: service.asked.count("PutLogEvents") == 2)
    assert service.notes == ["a"]


def test_events_written_after_close_are_discarded(service: Any, capsys: Any) -> None:
    with opened(service.url) as (logger, _):
        pass
    logger.write(event("a", time.time()))
    logger.close()
    assert (service.asked, said(capsys)) == ([], [])


def test_a_closed_logger_can_be_reopened(service: Any) -> None:
    with opened(service.url) as (logger, _):
        logger.write(event("a", time.time()))
    logger.open(worker_info(endpoint=service.url))
    logger.write(event("b", time.time()))
    logger.close()
    assert service.notes == ["a", "b"]


def test_invalid_settings_start_no_thread(service: Any) -> None:
    with pytest.raises(OptionError), opened(service.url, buffer=0):
        pass
    assert not [thread for thread in threading.enumerate() if thread.name == "jobs-cloudwatch"]


def test_a_closed_standard_error_is_harmless(service: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("sys.stderr", None)
    service.script("PutLogEvents", refusal("AccessDeniedException"))
    with opened(service.url) as (logger, _):
        logger.write(event("a", time.time()))
        service.wait_for(lambda: len(service.stored) == 1)


def test_closing_the_logger_closes_its_connection(service: Any) -> None:
    with opened(service.url) as (logger, _):
        logger.write(event("a", time.time()))
        service.wait_for(lambda: service.connections == 1)
    service.wait_for(lambda: service.connections == 0)
