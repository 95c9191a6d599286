"""Why a task that has not ended is where it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs_core.options import span
from jobs_core.why.answer import Reason, Why
from jobs_core.why.backfilled import backfill_of
from jobs_core.why.ended import LATE, gap_over
from jobs_core.why.limits import full_queue, held_text, with_holders
from jobs_core.why.situation import Situation
from jobs_core.why.words import gap_fact, gap_text, names, task_fact, took
from jobs_core.wording import when


def explain_task(found: Situation, task: Mapping[str, Any]) -> Why:
    """Explain a task by its state: queued, held, delayed, leased, accepted or dead."""
    explain = {
        "queued": _queued,
        "held": _held,
        "delayed": _delayed,
        "leased": _leased,
        "accepted": _accepted,
        "dead": _dead,
    }
    return explain[str(task["state"])](found, task)


def _queued(found: Situation, task: Mapping[str, Any]) -> Why:
    queue = str(task["queue"])
    serving = [worker for worker in _living(found) if queue in worker["queues"]]
    fact = task_fact(task)
    since = f"has waited in the queue {queue} since {when(task['due'])}"
    lost = _last_lost(task)
    if lost:
        since = f"was lost with its worker {lost}, and waits in the queue {queue} again"
    if not serving:
        text = f"It {since}: no living worker serves that queue. Start one with `jobs run --queue {queue}`."
        return found.answer("unserved", text, fact, task=task["id"])
    reason: Reason = "lost" if lost else "queued"
    tail, backfill = backfill_of(found, task["due"], found.now)
    full = full_queue(found, task)
    if full:
        text = f"It {since}: {full[0]}.{tail}"
        return found.answer("lost" if lost else "held", text, fact, full[1], *backfill, task=task["id"])
    facts = [{"kind": "worker"} | worker for worker in serving]
    busy = all(worker.get("running", 0) >= worker.get("concurrency", 1) for worker in serving)
    listed = names(str(worker["worker"]) for worker in serving)
    text = f"It {since}. {listed} {'serve' if len(serving) > 1 else 'serves'} it" + (
        ", and can take no more now: raise --concurrency, or start more workers." if busy else "."
    )
    return found.answer(reason, text + tail, fact, *facts, *backfill, task=task["id"])


def _held(found: Situation, task: Mapping[str, Any]) -> Why:
    held = with_holders(found, task.get("held") or {"since": task["due"]})
    tail, backfill = backfill_of(found, task["due"], found.now)
    text = f"It waits: {held_text(held, found.now)}.{tail}"
    fact = {"kind": "limit"} | dict(held)
    return found.answer("held", text, task_fact(task), fact, *backfill, task=task["id"])


def _delayed(found: Situation, task: Mapping[str, Any]) -> Why:
    history = task.get("history") or ()
    until = when(task.get("until"))
    if not history:
        text = f"It is delayed until {until}, as its time or its jitter says."
        return found.answer("delayed", text, task_fact(task), task=task["id"])
    last = history[-1]
    how = last["note"] or last["code"] or last["status"]
    text = (
        f"Attempt {len(history)} {last['status']} at {when(last['time'])} "
        f"on {last['worker'] or 'a worker'}: {how}. It is tried again at {until}."
    )
    return found.answer("retrying", text, task_fact(task), task=task["id"])


def _leased(found: Situation, task: Mapping[str, Any]) -> Why:
    tail = ""
    proof: list[dict[str, Any]] = []
    since = task.get("since") or task["due"]
    if task["attempt"] == 1 and since - task["due"] > LATE:
        tail, proof = _late(found, task["due"], since)
    ending = " Its worker has been asked to stop it." if task.get("cancelling") else ""
    attempt = f", attempt {task['attempt']}" if task["attempt"] > 1 else ""
    text = (
        f"It is running on {task.get('worker') or 'a worker'} since {when(since)}{attempt}, "
        f"for {took(since, found.now)}.{ending}{tail}"
    )
    return found.answer("running", text, task_fact(task), *proof, task=task["id"])


def _late(found: Situation, due: float, since: float) -> tuple[str, list[dict[str, Any]]]:
    """Say why a task that is running started late."""
    tail, proof = backfill_of(found, due, since)
    if proof:
        return tail, proof
    gap = gap_over(found, due, since)
    if gap:
        return f" It was due at {when(due)}: {gap_text(gap)}.", [gap_fact(gap)]
    return f" It was due at {when(due)}.", []


def _accepted(found: Situation, task: Mapping[str, Any]) -> Why:
    text = (
        f"{task.get('worker') or 'A worker'} handed it on at {when(task.get('since'))}. It is open until "
        f"somebody reports how it ended, at most until {when(task.get('until'))}."
    )
    return found.answer("running", text, task_fact(task), task=task["id"])


def _dead(found: Situation, task: Mapping[str, Any]) -> Why:
    history = task.get("history") or ()
    last = history[-1] if history else {}
    how = last.get("note") or last.get("code") or "no reason was given"
    tries = "its only attempt" if task["attempt"] == 1 else f"{task['attempt']} attempts"
    if last.get("status") == "lost" and last.get("worker"):
        how = f"lost with its worker {last['worker']}"
    text = (
        f"It was given up after {tries}: {how}. It has been a dead letter for "
        f"{span(round(max(0.0, found.now - task['since'])))}: `jobs dead retry` queues it again."
    )
    return found.answer("dead", text, task_fact(task), task=task["id"])


def _last_lost(task: Mapping[str, Any]) -> str:
    history = task.get("history") or ()
    return str(history[-1]["worker"] or "(unknown)") if history and history[-1]["status"] == "lost" else ""


def _living(found: Situation) -> list[dict[str, Any]]:
    return [worker for worker in found.source.workers() if worker["state"] == "serving"]
