"""Check the payloads of alerts: each fits its runner, and values can be filled in wherever it has names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from jobs_core.alerts.message import check_filled
from jobs_core.alerts.own import own_alerts
from jobs_core.contract import Runner
from jobs_core.errors import PayloadError, naming
from jobs_core.plugins.payloads import check_depth
from jobs_core.types import Job

ALERT = "alert:"
"""How the id begins under which plugins validate the payload of an alert. No job has such an id."""


class Validator(Protocol):
    """What is needed of the plugins."""

    def names(self, kind: str) -> Any:
        """Return the names of what plugins provide."""

    def runner(self, name: str) -> Runner:
        """Return a runner."""

    def job(self, id: str, runner: str, raw: str, options: Mapping[str, Any]) -> Job:
        """Return a job as validation sees it."""

    def validate(self, job: Job) -> None:
        """Check a job's payload."""


def check_alert(plugins: Validator, runner: str, raw: str) -> None:
    """Check the payload of an alert.

    If its runner is not installed here, only the names in braces are checked. Raises UserError.
    """
    check_depth(raw)
    plugins.validate(plugins.job(ALERT, runner, raw, {}))
    is_known = runner in plugins.names("runners")
    short, quote = (plugins.runner(runner).short, plugins.runner(runner).quote) if is_known else (None, None)
    try:
        check_filled(short, quote, raw)
    except ValueError as error:
        raise PayloadError(f"payload: {error}") from None


def check_own_alerts(plugins: Validator, options: Mapping[str, Any]) -> None:
    """Check what the options `on-failure` and `on-success` of a job ask for. Raises UserError."""
    for own in own_alerts(options):
        with naming(own.option):
            check_alert(plugins, own.runner, own.payload)
