"""Why a job does or does not run now, or will, compared with what the test did."""

from __future__ import annotations

import asyncio
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs_core import AsyncBoard, Board, NotFoundError, OptionError
from jobs_core.embedded import EmbeddedServer
from jobs_core.why.answer import Why
from jobs_core.wording import when
from tests.helpers import Jobs, refused
from tests.why.conftest import Ask, Scene, serve


@pytest.fixture
def scene(board: Board) -> Scene:
    """A scene that begins a minute ago: the present comes right after it."""
    return Scene(board, time.time() // 60 * 60 - 60)


def test_it_is_not_due(scene: Scene, why: Ask) -> None:
    scene.put(every=7200)
    scene.tick(0)
    scene.ack(scene.take(1), 8)
    found = why()
    assert found.reason == "not-due"
    assert f"it runs next at {when(scene.at(7200))}" in found.text
    assert found.text.endswith(f"Its last run was done at {when(scene.at(8))} after 7s.")


def test_its_last_run_failed(scene: Scene, why: Ask) -> None:
    scene.put(every=7200)
    scene.tick(0)
    scene.ack(scene.take(1), 8, "dead", note="exit 3")
    assert why().text.endswith(f"Its last run failed at {when(scene.at(8))}: exit 3.")


def test_no_worker_serves_its_queue(scene: Scene, why: Ask) -> None:
    scene.put(every=7200)
    scene.tick(0)
    found = why()
    assert found.reason == "unserved"
    assert "no living worker serves that queue. Start one with `jobs run --queue echo`." in found.text
    serve(scene.board)
    assert why().reason == "queued"
    assert why().text.endswith("w1 serves it.")


def test_its_workers_are_busy(scene: Scene, why: Ask) -> None:
    scene.put(every=7200)
    scene.tick(0)
    serve(scene.board, running=4, concurrency=4)
    found = why()
    assert found.reason == "queued"
    assert "w1 serves it, and can take no more now" in found.text
    assert [fact["kind"] for fact in found.proof] == ["task", "worker"]


def test_it_is_running(scene: Scene, why: Ask) -> None:
    scene.put(every=7200)
    scene.tick(0)
    task = scene.take(1)
    found = why()
    assert (found.reason, found.task) == ("running", task.id)
    assert f"It is running on w1 since {when(scene.at(1))}" in found.text
    assert why(task.id).reason == "running"


def test_it_was_accepted_by_another_system(scene: Scene, why: Ask) -> None:
    scene.put(every=7200)
    scene.tick(0)
    scene.ack(scene.take(1), 2, "accepted", timeout=3600)
    found = why()
    assert found.reason == "running"
    assert f"at most until {when(scene.at(3602))}" in found.text


def test_a_limit_holds_it(scene: Scene, why: Ask) -> None:
    scene.board.limit("runner", "echo", concurrency=1)
    scene.put("other", every=7200)
    scene.tick(0)
    holder = scene.take(1)
    scene.put(at=2, every=7200)
    scene.tick(2)
    assert scene.board.pop("echo", lease=60, now=scene.at(3)) == []
    found = why()
    assert found.reason == "held"
    assert found.text == (
        f"It waits: the limit of the runner echo holds it since {when(scene.at(3))}, which {holder.id} fills."
    )
    assert [fact["kind"] for fact in found.proof] == ["task", "limit"]


def test_it_waits_for_its_next_attempt(scene: Scene, why: Ask) -> None:
    scene.put(every=7200)
    scene.tick(0)
    scene.ack(scene.take(1), 2, "retry", note="no luck", delay=600)
    found = why()
    assert found.reason == "retrying"
    assert found.text == (
        f"Attempt 1 failed at {when(scene.at(2))} on w1: no luck. It is tried again at {when(scene.at(602))}."
    )


def test_it_was_lost_with_its_worker(scene: Scene, why: Ask) -> None:
    scene.put(every=7200)
    scene.tick(0)
    scene.take(1, "crashed", lease=5)
    scene.lose(20)
    serve(scene.board)
    found = why()
    assert found.reason == "lost"
    assert "was lost with its worker crashed, and waits in the queue echo again" in found.text


def test_nobody_ticks(scene: Scene, why: Ask) -> None:
    scene.put(every=7200)
    found = why()
    assert found.reason == "idle"
    assert f"It has been due since {when(scene.at(0))}, but nobody ticks" in found.text


def test_it_waits_for_its_parents(scene: Scene, why: Ask) -> None:
    scene.put("load", every=7200)
    scene.put("clean", every=7200, start=scene.at(3600))
    scene.put(after="load,clean,nope")
    scene.tick(0)
    scene.ack(scene.take(1), 2)
    found = why()
    assert found.reason == "waiting"
    assert "and waits for clean, nope. load has ended already. There is no job nope." in found.text


def test_it_is_paused(scene: Scene, why: Ask) -> None:
    scene.put(every=7200)
    scene.board.by = "bob@laptop"
    scene.board.pause("job", because="release")
    assert why().reason == "paused"
    assert why().text.startswith('It is paused by bob@laptop ("release") since ')
    assert why(at=scene.at(7200)).reason == "paused"
    assert why(at=scene.at(7200)).text.startswith("It will not run: it is paused by bob@laptop")


def test_it_runs_only_when_pushed_or_has_ended(scene: Scene, why: Ask) -> None:
    scene.put()
    assert (why().reason, why().text) == ("manual", "It runs only when pushed.")
    scene.put("once", at=0, every=60, repeat=1)
    scene.tick(0)
    scene.ack(scene.take(1), 2)
    assert why("once").reason == "ended"
    assert why("once", scene.at(7200)).reason == "ended"


def test_it_will_run(scene: Scene, why: Ask) -> None:
    scene.put(every=7200)
    assert why(at=scene.at(7200)).reason == "unserved"
    serve(scene.board)
    found = why(at=scene.at(7200))
    assert (found.reason, found.task) == ("will-run", f"job@{int(scene.at(7200) * 1000)}")
    assert found.text == f"It will run at {when(scene.at(7200))}: w1 can take it."
    found = why(at=scene.at(7260))
    assert found.reason == "not-due"
    assert f"the occurrence before was {when(scene.at(7200))}" in found.text


def test_a_pause_may_be_over_by_then(scene: Scene, why: Ask) -> None:
    scene.put(every=7200)
    serve(scene.board)
    scene.board.pause("job", until=scene.at(7000))
    assert why(at=scene.at(6000)).reason == "paused"
    assert why(at=scene.at(7200)).reason == "will-run"


def test_what_is_not_there_is_said(scene: Scene, jobs: Jobs) -> None:
    for target in ("nope", "nope@1", "push:1@1"):
        with pytest.raises(NotFoundError):
            scene.board.why(target)
        assert jobs("why", target).exit_code == 2
    refused(jobs("why", "job", "--at", "soon"), "at: expected a time such as 'tue 03:00'", "got 'soon'")
    refused(jobs("why", "job@1", "--at", "-1h"), "at: goes with a job: a task has its own time")
    with pytest.raises(OptionError):
        scene.board.why("job@1", "-1h")


def test_a_one_off_task_is_explained(scene: Scene, why: Ask) -> None:
    task = scene.board.push("echo", "x", now=scene.at(0))
    assert why(task).reason == "unserved"
    scene.ack(scene.take(1), 2, note="fine")
    found = why(task)
    assert found.reason == "ran"
    assert [fact["what"] for fact in found.proof] == ["done"]


def test_a_dead_letter_is_explained(scene: Scene, why: Ask) -> None:
    scene.put()
    task = scene.board.push("echo", "x", now=scene.at(0))
    scene.ack(scene.take(1), 2, "dead", note="exit 3")
    found = why(task)
    assert found.reason == "dead"
    assert found.text.startswith("It was given up after its only attempt: exit 3.")


def test_asyncio_answers_the_same(scene: Scene, url: str) -> None:
    scene.put(every=7200)

    async def ask() -> Why:
        async with AsyncBoard(scene.board.name, url) as board:
            return await board.why("job", scene.at(7260))

    assert asyncio.run(ask()) == scene.board.why("job", scene.at(7260))


def test_the_proof_is_shown_on_request(scene: Scene, jobs: Jobs) -> None:
    scene.put(every=7200)
    scene.tick(0)
    scene.ack(scene.take(1), 8)
    shown = jobs("why", "job", "--at", str(scene.at(0)), "--proof").stdout
    assert f"  run: job=job, outcome=done, due={when(scene.at(0))}" in shown


def test_answers_survive_a_restart(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path) as server:
        board = Board("test", server.url, validate=False)
        scene = Scene(board, time.time() // 60 * 60 - 7200)
        scene.put(every=600)
        scene.tick(0)
        scene.ack(scene.take(1), 5, "dead", note="exit 3")
        board.pause("job", because="release", now=scene.at(300))
        board.resume("job", now=scene.at(900))
        board.edit("job", every=700, now=scene.at(1000))
        moments = [scene.at(seconds) for seconds in (0, 3, 120, 600, 1000.5)]
        before = [board.why("job", at) for at in moments]
    with EmbeddedServer(tmp_path) as server:
        board = Board("test", server.url, validate=False)
        assert [board.why("job", at) for at in moments] == before
    assert [answer.reason for answer in before] == ["dead", "dead", "not-due", "paused", "not-due"]


def test_an_occurrence_waits_for_its_parents(scene: Scene, why: Ask) -> None:
    scene.put("load", every=7200, start=scene.at(3600))
    scene.put(every=7200, after="load", deadline=1800)
    scene.tick(0)
    found = why()
    assert found.reason == "waiting"
    deadline = f"since {when(scene.at(0))}, until {when(scene.at(1800))}, then skip"
    assert found.text.startswith(f"Its occurrence waits for load {deadline}.")
    assert why(at=scene.at(0)).text == found.text


def test_a_parent_that_died_is_named(scene: Scene, why: Ask) -> None:
    scene.put("load", every=7200)
    scene.put(after="load")
    scene.tick(0)
    scene.ack(scene.take(1), 2, "dead", note="exit 3")
    found = why()
    assert found.reason == "waiting"
    assert f"load last ended dead at {when(scene.at(2))} (exit 3). `on done` decides" in found.text


def test_a_skipped_last_occurrence_is_named(scene: Scene, why: Ask) -> None:
    scene.put(every=7200, grace=1)
    scene.tick(50)
    found = why()
    assert found.reason == "not-due"
    assert f"The occurrence of {when(scene.at(0))} was skipped, because" in found.text


def test_a_dead_letter_names_the_worker_that_was_lost(scene: Scene, why: Ask) -> None:
    scene.put(losses=1)
    task = scene.board.push("echo", "x", now=scene.at(0), losses=1)
    scene.take(1, "crashed", lease=5)
    scene.lose(20)
    assert "lost with its worker crashed" in why(task).text


def test_a_job_may_be_named_like_a_task(scene: Scene, why: Ask) -> None:
    scene.put("x@1795763617812")
    assert why("x@1795763617812").reason == "manual"
    assert why("x@1795763617812", scene.at(7200)).reason == "manual"


@pytest.mark.parametrize("at", [timedelta(1), date(2026, 1, 1), float("nan"), True, "2999-01-01"])
def test_what_is_no_moment_is_rejected(scene: Scene, at: Any) -> None:
    scene.put()
    with pytest.raises(OptionError, match=r"^at: expected"):
        scene.board.why("job", at)
    with pytest.raises(OptionError):
        scene.board.why(None)  # type: ignore[arg-type]


def test_the_command_line_says_which_moment_it_judged(scene: Scene, jobs: Jobs) -> None:
    scene.put()
    assert "The moment asked about: " in jobs("why", "job", "--at", "12:00").stdout
    assert "The moment asked about" not in jobs("why", "job").stdout


def test_a_pause_for_no_time_is_rejected(scene: Scene, jobs: Jobs) -> None:
    scene.put(every=60)
    refused(jobs("pause", "job", "--for", "0"), "for", "expected a duration above 0")
