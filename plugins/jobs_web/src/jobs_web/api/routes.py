"""All routes of the API."""

from __future__ import annotations

from jobs_web.api import (
    alerts,
    backfills,
    board,
    dead,
    declarations,
    events,
    jobs,
    limits,
    runs,
    schedules,
    tasks,
)
from jobs_web.api.model import Route

ROUTES: tuple[Route, ...] = (
    *board.ROUTES,
    *jobs.ROUTES,
    *schedules.ROUTES,
    *runs.ROUTES,
    *tasks.ROUTES,
    *events.ROUTES,
    *dead.ROUTES,
    *limits.ROUTES,
    *alerts.ROUTES,
    *backfills.ROUTES,
    *declarations.ROUTES,
)
