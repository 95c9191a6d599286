"""Say in plain words what a forecast had to assume."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from jobs_core.forecast.model import Guess, Source, Span
from jobs_core.forecast.plan import Plan


def guesses(source: Source, plan: Plan, span: Span, rounded: Mapping[str, float]) -> Iterator[Guess]:
    """Yield what a forecast had to assume.

    Args:
        source: What the board has.
        plan: How its jobs were divided.
        span: When, and what to assume.
        rounded: From when on (epoch seconds) the runs of jobs were rounded, by job id.
    """
    replaced = tuple(sorted(plan.timed & source.replaced))
    unknown = tuple(sorted(plan.timed - source.lengths.keys()))
    if unknown:
        yield Guess("durations", _unknown_durations(len(unknown), span.duration), unknown)
    if replaced:
        yield Guess("replaced", _replaced(len(replaced)), replaced)
    if plan.timed & source.durations.keys():
        yield Guess(
            "medians", "Each run takes the median time of its job's earlier runs, the same every time."
        )
    if rounded:
        since = f"{datetime.fromtimestamp(min(rounded.values())).astimezone():%Y-%m-%d %H:%M}"
        yield Guess(
            "rounding",
            f"There are too many runs to time each exactly. From {since} on, they start and end at whole "
            "seconds (7.5 s counts as 8 s), so counts may be too low where runs wait for each other.",
            tuple(sorted(rounded)),
        )
    if plan.timed or plan.parents:
        yield Guess("outcomes", _outcomes(source, plan))
    yield Guess("workers", "There are always enough workers: a task starts as soon as its limits let it.")
    if source.waiting:
        yield Guess("tasks", _open_tasks(source.waiting))


def _replaced(count: int) -> str:
    whose = "one job" if count == 1 else f"{count:,} jobs"
    return (
        f"No run of {whose} has been done yet, and the last one was cancelled (overlap replace): each run "
        "counts as going on until the next one replaces it."
    )


def _outcomes(source: Source, plan: Plan) -> str:
    may_replace = any(job.get("overlap") == "replace" for job in source.jobs)
    replaced = ", or ends at once when the next one replaces it" if may_replace else ""
    more = " So jobs that run on dead never do." if plan.parents else ""
    return f"Every run is done at its first attempt{replaced}: none fails or is repeated.{more}"


def _unknown_durations(count: int, duration: float) -> str:
    whose = "one job takes" if count == 1 else f"{count:,} jobs take"
    return f"It is not known how long {whose}: each run counts as {duration:g} s."


def _open_tasks(count: int) -> str:
    return (
        f"The board has {count:,} open {'task' if count == 1 else 'tasks'} (queued, held, "
        "delayed or running). The forecast leaves them out: they are not counted, fill no limit, and neither "
        "overlap with a run nor start the jobs after them."
    )
