"""The bounds on what a board keeps, as JRETAIN and `jobs retention` set them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypedDict

from jobs_core.options import Count, Duration


class RetentionOptions(TypedDict, total=False):
    """How much a board keeps: `board.retain(dead_letters=5000)`.

    `off` removes a bound, and `default` restores it.
    """

    dead_letters: Count | None
    dead_age: Duration | None
    durable: Count | None
    expire_ended: Duration | None
    history_bytes: Count | None
    changes: Count | None
    changes_bytes: Count | None
    workers: Duration | None
    runners: Duration | None
    tail_bytes: Count | None
    tails_bytes: Count | None
    runs: Count | None
    runs_bytes: Count | None


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound on what a board keeps. `default` is as Redis keeps it: durations in ms, or `off`."""

    kind: Literal["count", "duration"]
    default: str
    summary: str


RETENTION = {
    "dead-letters": Bound("count", "10000", "dead letters: the oldest are purged"),
    "dead-age": Bound("duration", "off", "time for which a dead letter is kept"),
    "expire-ended": Bound("duration", "off", "time for which a job stays after its last run"),
    "durable": Bound("count", "off", "replicas that must have a push or a taken task before it counts"),
    "history-bytes": Bound(
        "count", str(64 << 20), "bytes of the history's entries that are larger than 1 KiB"
    ),
    "changes": Bound("count", "10000", "entries of `jobs changes`; off: changes are not recorded"),
    "changes-bytes": Bound("count", str(16 << 20), "bytes of these entries that are larger than 1 KiB"),
    "workers": Bound("duration", str(86_400_000), "time for which a silent worker is listed"),
    "runners": Bound(
        "duration", str(7 * 86_400_000), "time for which a runner is known that no worker serves"
    ),
    "tail-bytes": Bound(
        "count", "4096", "bytes that are kept of what each task printed last; off keeps none"
    ),
    "tails-bytes": Bound("count", str(64 << 20), "bytes of what all tasks printed last"),
    "runs": Bound("count", "20", "runs that are kept of each job; off removes those that are kept"),
    "runs-bytes": Bound("count", str(256 << 20), "bytes of the runs that are kept of all jobs"),
}
"""The bounds on what a board keeps, by name, as JRETAIN sets them."""
