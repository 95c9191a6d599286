"""Forecasts: what a board will run, worked out by the real engine on a private server and virtual time."""

from __future__ import annotations

from jobs_core.forecast.model import DEFAULT_DURATION, Forecast, Guess, JobForecast, Minute, Source
from jobs_core.forecast.run import make_forecast

__all__ = [
    "DEFAULT_DURATION",
    "Forecast",
    "Guess",
    "JobForecast",
    "Minute",
    "Source",
    "make_forecast",
]
