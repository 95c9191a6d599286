"""Which backfill queued a task."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from jobs_core.why.situation import Situation


def backfill_of(found: Situation, due: float, by: float) -> tuple[str, list[dict[str, Any]]]:
    """Say which backfill queued the occurrence of a moment, if one did by some time (epoch seconds)."""
    for backfill in found.source.backfill_list():
        is_within = backfill.start <= due < backfill.stop
        if backfill.job == found.id and is_within and due < backfill.began <= by:
            return f" The backfill {backfill.id} queued it.", [{"kind": "backfill"} | asdict(backfill)]
    return "", []
