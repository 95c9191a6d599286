"""Forecasts: what a board will run, worked out by the real engine on a private server and virtual time."""

from __future__ import annotations

from jobs_core.forecast.compare import Comparison, JobChange
from jobs_core.forecast.model import DEFAULT_DURATION, Forecast, Guess, JobForecast, Minute, Source, Span
from jobs_core.forecast.run import make_forecast

__all__ = [
    "DEFAULT_DURATION",
    "Comparison",
    "Forecast",
    "Guess",
    "JobChange",
    "JobForecast",
    "Minute",
    "Source",
    "Span",
    "make_forecast",
]
