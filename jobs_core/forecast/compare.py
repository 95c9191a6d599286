"""What differs between two forecasts of a board: as it is, and with a board file applied."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

from jobs_core.forecast.model import Forecast


@dataclass(frozen=True, slots=True)
class JobChange:
    """A job that would be new or gone, or have another number of runs."""

    id: str
    change: Literal["new", "gone", "changed"]
    before: int
    after: int


@dataclass(frozen=True)
class Comparison:
    """The forecasts of a board `before` and `after` a change."""

    before: Forecast
    after: Forecast

    @cached_property
    def changes(self) -> tuple[JobChange, ...]:
        """The jobs that differ, sorted by id."""
        old = {job.id: job.runs for job in self.before.jobs}
        new = {job.id: job.runs for job in self.after.jobs}
        found = []
        for id in sorted({*old, *new}):
            if id not in old:
                found.append(JobChange(id, "new", 0, new[id]))
            elif id not in new:
                found.append(JobChange(id, "gone", old[id], 0))
            elif old[id] != new[id]:
                found.append(JobChange(id, "changed", old[id], new[id]))
        return tuple(found)

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as `jobs forecast FILE --json` prints it."""
        return {
            "before": self.before.as_dict(),
            "after": self.after.as_dict(),
            "changes": [asdict(change) for change in self.changes],
        }
