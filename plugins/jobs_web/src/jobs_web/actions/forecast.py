"""Ask for a new forecast of the board."""

from __future__ import annotations

from starlette.datastructures import FormData

from jobs_web.site import View


def make(view: View, form: FormData) -> str:
    """Start a new forecast, unless one is under way."""
    if view.site.forecasts.start(view.board):
        return "Working on a new forecast."
    return "A forecast is being made already."


def cancel(view: View, form: FormData) -> str:
    """End the forecast that is under way."""
    return "Cancelled the forecast." if view.site.forecasts.cancel() else "No forecast is being made."
