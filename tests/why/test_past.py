"""Why a job did or did not run at a moment of the past, compared with what the test did."""

from __future__ import annotations

import pytest

from jobs_core import Board
from jobs_core.wording import when
from tests.why.conftest import Ask, Scene, serve


def test_it_ran(scene: Scene, why: Ask) -> None:
    scene.put(every=300)
    scene.tick(0)
    task = scene.take(1)
    scene.ack(task, 8)
    found = why(at=scene.at(0))
    assert (found.reason, found.task) == ("ran", task.id)
    assert found.text == f"It ran at {when(scene.log['started'])} on w1, and was done after 7s."
    assert found.proof[0]["outcome"] == "done"


def test_it_was_running(scene: Scene, why: Ask) -> None:
    scene.put(every=300)
    scene.tick(0)
    scene.ack(scene.take(1), 200)
    found = why(at=scene.at(100.5))
    assert found.reason == "ran"
    assert found.text.startswith(f"The occurrence of {when(scene.at(0))} was running at that time.")


def test_it_ran_late_because_no_worker_took_it(scene: Scene, why: Ask) -> None:
    scene.put(every=3600)
    scene.tick(0)
    scene.ack(scene.take(120), 121)
    found = why(at=scene.at(0))
    assert found.reason == "ran"
    assert f"It was due at {when(scene.at(0))}, 2m before: no worker took it sooner." in found.text
    assert "was waiting at that time" in why(at=scene.at(60.5)).text


def test_it_ran_late_because_nobody_ticked(scene: Scene, why: Ask) -> None:
    scene.put(every=3600)
    scene.tick(120)
    scene.ack(scene.take(120), 121)
    found = why(at=scene.at(0))
    assert f"nobody ticked from {when(scene.at(0))} to {when(scene.at(120))}" in found.text
    assert {"run", "gap"} <= {fact["kind"] for fact in found.proof}


def test_it_ran_late_because_a_limit_held_it(scene: Scene, why: Ask) -> None:
    scene.put(every=60, concurrency=1)
    scene.tick(0)
    first = scene.take(0)
    scene.tick(60)
    assert scene.board.pop("echo", lease=60, worker="w2", now=scene.at(61)) == []
    scene.ack(first, 90)
    scene.ack(scene.take(90), 91)
    found = why(at=scene.at(60))
    assert found.reason == "ran"
    assert f"the limit job:job held it from {when(scene.at(61))} on" in found.text


def test_it_was_given_up(scene: Scene, why: Ask) -> None:
    scene.put(every=300)
    scene.tick(0)
    task = scene.take(1)
    scene.ack(task, 5, "dead", code="3", note="exit 3")
    found = why(at=scene.at(0))
    assert found.reason == "dead"
    assert found.text == f"It was given up: its only attempt, on w1, failed at {when(scene.at(5))}: exit 3."
    assert why(task.id).reason == "dead"


def test_it_was_retried(scene: Scene, why: Ask) -> None:
    scene.put(every=300)
    scene.tick(0)
    scene.ack(scene.take(1), 2, "retry", note="no luck", delay=10)
    scene.tick(12)
    task = scene.take(13)
    scene.ack(task, 14)
    found = why(at=scene.at(0))
    assert found.reason == "ran"
    assert "was done at attempt 2 after 1s" in found.text
    assert [fact["what"] for fact in found.proof if fact["kind"] == "history"] == ["done", "retry"]


def test_it_was_cancelled(scene: Scene, why: Ask) -> None:
    scene.put(every=300)
    scene.tick(0)
    scene.board.by = "bob@laptop"
    task = f"job@{int(scene.begin * 1000)}"
    assert scene.board.cancel(task, because="wrong data") == "cancelled"
    found = why(at=scene.at(0))
    assert found.reason == "cancelled"
    assert found.text.endswith('by bob@laptop ("wrong data").')
    assert why(task).text == found.text


def test_nobody_reports_how_it_ended(scene: Scene, why: Ask) -> None:
    scene.put(every=300, policy="none")
    scene.tick(0)
    scene.board.pop("echo", now=scene.at(1))
    found = why(at=scene.at(0))
    assert found.reason == "unleased"
    assert "With the policy none, nobody reports how it ended." in found.text


def test_it_was_skipped_because_a_run_was_active(scene: Scene, why: Ask) -> None:
    scene.put(every=60, overlap="skip")
    scene.tick(0)
    task = scene.take(0)
    scene.tick(60)
    scene.ack(task, 100)
    found = why(at=scene.at(60))
    assert found.reason == "skipped"
    assert found.text == (
        f"The occurrence of {when(scene.at(60))} was skipped by the rule overlap skip, "
        f"because an earlier run {task.id} was still active."
    )
    assert [fact["outcome"] for fact in found.proof] == ["skipped", "done"]


def test_several_skipped_occurrences_are_told_together(scene: Scene, why: Ask) -> None:
    scene.put(every=60, overlap="skip")
    scene.tick(0)
    scene.take(0)
    for minute in (1, 2, 3):
        scene.tick(60 * minute)
    found = why(at=scene.at(120))
    assert found.text.startswith(
        f"3 occurrences from {when(scene.at(60))} to {when(scene.at(180))} were skipped by the rule overlap"
    )


def test_it_was_skipped_because_it_was_late(scene: Scene, why: Ask) -> None:
    scene.put(every=3600, misfire="skip")
    scene.tick(600)
    found = why(at=scene.at(0))
    assert found.reason == "skipped"
    assert "noticed too late for the job's grace or misfire: nobody ticked from" in found.text


def test_it_was_skipped_because_its_queue_was_full(scene: Scene, why: Ask) -> None:
    scene.board.limit("queue", "echo", max_length=1)
    scene.put("other", every=60)
    scene.tick(0)
    scene.put(every=300, start=scene.at(60), at=60)
    scene.tick(60)
    assert why(at=scene.at(60)).reason == "skipped"
    assert "its queue had reached its max-length" in why(at=scene.at(60)).text


def test_it_was_coalesced(scene: Scene, why: Ask) -> None:
    scene.put(every=60)
    scene.tick(300)
    found = why(at=scene.at(120))
    assert found.reason == "coalesced"
    assert found.text.startswith(f"5 occurrences after {when(scene.at(0))}, up to {when(scene.at(300))},")
    assert "coalesced into the run of that time, because nobody ticked from" in found.text
    assert why(at=scene.at(0)).reason == "unserved"


def test_it_was_paused(scene: Scene, why: Ask) -> None:
    scene.put(every=60)
    scene.board.by = "bob@laptop"
    scene.board.pause("job", until=scene.at(1000), because="the database moves", now=scene.at(30))
    found = why(at=scene.at(120))
    assert found.reason == "paused"
    assert found.text == (
        f'It was paused by bob@laptop ("the database moves") since {when(scene.at(30))}, '
        f"until {when(scene.at(1000))}."
    )
    assert found.proof[0]["what"] == "pause"


def test_a_pause_that_is_over_is_still_known(scene: Scene, why: Ask) -> None:
    scene.put(every=60)
    scene.board.pause("job", because="holidays", now=scene.at(30))
    scene.board.resume("job", now=scene.at(400))
    assert why(at=scene.at(120)).reason == "paused"
    assert '("holidays")' in why(at=scene.at(120)).text


def test_it_was_not_due(scene: Scene, why: Ask) -> None:
    scene.put(every=300)
    scene.tick(0)
    scene.ack(scene.take(1), 8)
    found = why(at=scene.at(120))
    assert found.reason == "not-due"
    assert found.text == (
        f"It was not due at {when(scene.at(120))}: the occurrence before was {when(scene.at(0))}, "
        f"the next {when(scene.at(300))}. That run was done after 7s."
    )
    assert found.proof[0] == {"kind": "schedule", "before": scene.at(0), "after": scene.at(300)}


def test_its_schedule_was_another_one_then(scene: Scene, why: Ask) -> None:
    """Under the schedule of today it would have been due."""
    scene.put(every=3600)
    scene.tick(0)
    scene.ack(scene.take(1), 2)
    scene.board.by = "bob@laptop"
    scene.board.edit("job", every=600, now=scene.at(1800))
    found = why(at=scene.at(600))
    assert found.reason == "changed"
    assert f"the next {when(scene.at(3600))}" in found.text
    assert (
        f"Its schedule was then every 1h; bob@laptop changed it at {when(scene.at(1800))} to every 10m."
        in found.text
    )


def test_it_did_not_exist_yet(scene: Scene, why: Ask) -> None:
    scene.put(at=600, every=60)
    found = why(at=scene.at(60))
    assert found.reason == "absent"
    assert found.text == f"There was no job job yet: ann@host put it at {when(scene.at(600))}."


def test_it_had_been_removed(board: Board, scene: Scene, why: Ask) -> None:
    scene.put(every=60)
    board.by = "bob@laptop"
    board.remove("job", because="not needed")
    found = why(at="-0s")
    assert found.reason == "absent"
    assert 'bob@laptop ("not needed") had removed it' in found.text


def test_it_had_ended(scene: Scene, why: Ask) -> None:
    scene.put(every=60, repeat=1)
    scene.tick(0)
    scene.ack(scene.take(1), 2)
    found = why(at=scene.at(600))
    assert found.reason == "ended"
    assert found.text == "It had ended: its only run was over."


def test_it_runs_only_when_pushed(scene: Scene, why: Ask) -> None:
    scene.put()
    found = why(at=scene.at(60))
    assert (found.reason, found.text) == ("manual", "It runs only when pushed, and nobody pushed it then.")


def test_it_waited_for_its_parents(scene: Scene, why: Ask) -> None:
    scene.put("load", every=3600)
    scene.put(after="load")
    found = why(at=scene.at(60))
    assert found.reason == "waiting"
    assert "it runs after load" in found.text


def test_the_clock_of_redis_went_back(scene: Scene, why: Ask) -> None:
    scene.put("other", every=3600)
    scene.put(every=7000)
    for second in (0, 7200):
        scene.tick(second)
        for _ in range(2):
            scene.ack(scene.take(second), second + 1)
    scene.tick(600)
    found = why(at=scene.at(3000.5))
    assert found.reason == "clock"
    assert f"from {when(scene.at(7200))} to {when(scene.at(600))}" in found.text


def test_history_may_not_reach_back(scene: Scene, why: Ask) -> None:
    scene.put(every=60, history=1)
    for minute in range(3):
        scene.tick(60 * minute)
        scene.ack(scene.take(60 * minute), 60 * minute + 1)
    found = why(at=scene.at(60))
    assert (found.reason, found.is_complete) == ("unknown", False)
    assert f"its recorded runs begin at {when(scene.at(120))}" in found.text


def test_changes_may_not_reach_back(board: Board, scene: Scene, why: Ask) -> None:
    board.retain(changes="off")
    scene.put(every=300)
    found = why(at=scene.at(120))
    assert (found.reason, found.is_complete) == ("not-due", False)


@pytest.mark.parametrize("at", ["-10m", "yesterday 8:30", "03:00"])
def test_moments_may_be_said_in_words(scene: Scene, why: Ask, at: str) -> None:
    scene.put(at=-200_000, every=100_000)
    assert why(at=at).reason in ("not-due", "unknown", "idle")


def test_its_parents_did_not_end_in_time(scene: Scene, why: Ask) -> None:
    scene.put("load", every=7200, start=scene.at(3600))
    scene.put(every=7200, after="load", deadline=1800)
    scene.tick(0)
    scene.tick(1800)
    found = why(at=scene.at(0))
    assert found.reason == "skipped"
    assert "because its condition 'after load' did not hold by its deadline." in found.text
    assert found.text.endswith("No ended run of load is recorded from before.")


def test_a_backfill_ran_it(scene: Scene, why: Ask) -> None:
    scene.put(every=3600, start=scene.at(0), at=0)
    scene.board.pause("job", now=scene.at(0))
    scene.board.backfill("job", scene.at(0), scene.at(3000), now=scene.at(4000))
    scene.tick(4001)
    scene.ack(scene.take(4002), 4003)
    found = why(at=scene.at(0))
    assert found.reason == "ran"
    assert found.text.endswith(" The backfill 1 queued it.")
    assert [fact["kind"] for fact in found.proof] == ["run", "backfill"]


def test_a_task_of_a_backfill_waits_or_runs(scene: Scene, why: Ask) -> None:
    scene.put(every=3600, start=scene.at(0), at=0)
    scene.board.pause("job", now=scene.at(0))
    scene.board.backfill("job", scene.at(0), scene.at(3000), now=scene.at(4000))
    scene.tick(4001)
    serve(scene.board)
    assert why(at=scene.at(0)).text.endswith("w1 serves it. The backfill 1 queued it.")
    scene.take(4002)
    found = why(at=scene.at(0))
    assert (found.reason, found.text.endswith(" The backfill 1 queued it.")) == ("running", True)
    assert "nobody ticked" not in found.text


def test_who_changed_the_schedule_is_not_who_changed_something_else(scene: Scene, why: Ask) -> None:
    scene.put(every=3600)
    scene.tick(0)
    scene.ack(scene.take(1), 2)
    for by, second, edit in (
        ("eve@host", 1700, {"timeout": 60}),
        ("bob@laptop", 1800, {"every": 600}),
        ("eve@host", 1900, {"every": 1200}),
    ):
        scene.board.by = by
        scene.board.edit("job", now=scene.at(second), **edit)  # type: ignore[arg-type]
    found = why(at=scene.at(600))
    assert found.reason == "changed"
    assert f"bob@laptop changed it at {when(scene.at(1800))} to every 10m." in found.text
    assert "eve@host" not in found.text


def test_a_skipped_occurrence_names_how_its_parents_ended(scene: Scene, why: Ask) -> None:
    scene.put("load", every=7200)
    scene.tick(0)
    scene.ack(scene.take(1), 2, "dead", note="exit 3")
    scene.put(at=10, every=7200, start=scene.at(10), after="load", deadline=600)
    scene.tick(10)
    scene.tick(610)
    found = why(at=scene.at(10))
    assert found.reason == "skipped"
    assert found.text.endswith(f"load last ended dead at {when(scene.at(2))} (exit 3).")


def test_changes_were_not_recorded_for_a_while(board: Board, scene: Scene, why: Ask) -> None:
    scene.put(every=300)
    for changes in ("off", "default"):
        board.retain(changes=changes)
        found = why(at=scene.at(120))
        assert (found.reason, found.is_complete) == ("not-due", False)


def test_a_pause_over_a_pause_has_its_own_time(scene: Scene, why: Ask) -> None:
    scene.put(every=300)
    for by, second in (("p1@host", 30), ("p2@host", 60)):
        scene.board.by = by
        scene.board.pause("job", because=f"reason of {by}", now=scene.at(second))
    found = why(at=scene.at(120))
    assert f'paused by p2@host ("reason of p2@host") since {when(scene.at(60))}.' in found.text
    assert f"has been paused since {when(scene.at(30))}" in found.text


def test_a_minute_in_which_the_job_was_put(scene: Scene, why: Ask) -> None:
    scene.put(at=30, every=300, start=scene.at(300))
    found = why(at=scene.at(0))
    assert found.reason == "not-due"
    assert why(at=scene.at(1.5)).reason == "absent"


def test_no_runs_are_kept(scene: Scene, why: Ask) -> None:
    scene.put(every=60, history=0)
    scene.tick(0)
    scene.ack(scene.take(1), 2)
    found = why(at=scene.at(0))
    assert (found.reason, found.is_complete) == ("unknown", False)
    assert "runs of this job are not kept" in found.text


def test_several_late_occurrences_are_plural(scene: Scene, why: Ask) -> None:
    scene.put(every=60, grace=1)
    scene.tick(270)
    text = why(at=scene.at(60)).text
    assert "were skipped, because they were noticed too late" in text


def test_proof_leaves_out_data(scene: Scene, why: Ask) -> None:
    task = scene.board.push("echo", "x", now=scene.at(0))
    scene.ack(scene.take(1), 2, data={"output": "long"})
    assert why(task).proof
    assert not any("data" in fact for fact in why(task).proof)
