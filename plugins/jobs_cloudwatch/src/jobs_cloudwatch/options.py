"""The settings of the logger, checked when the worker starts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from jobs_core import OptionError, WorkerInfo

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RETENTION = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545),
    *(731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""The retentions that CloudWatch accepts, in days."""

LONGEST_NAME = 512
NOT_IN_GROUP = re.compile(r"[^-._/#A-Za-z0-9]")
NOT_IN_STREAM = re.compile(r"[:*]")


@dataclass(frozen=True, slots=True)
class Options:
    """Where events go and how many are buffered. `retention` is in days, `every` in seconds.

    If a field is None, boto3 chooses from its environment variables and files.
    """

    worker: str
    group: str
    stream: str
    retention: int = 0
    region: str | None = None
    profile: str | None = None
    endpoint: str | None = None
    buffer: int = 10_000
    every: float = 1.0

    @classmethod
    def read(cls, worker: WorkerInfo) -> Options:
        """Return the options of a worker. Raises OptionError for invalid settings."""
        settings = worker.settings
        return cls(
            worker=worker.name,
            group=_group(worker),
            stream=_name(worker, "cloudwatch_stream", NOT_IN_STREAM),
            retention=_retention(settings["cloudwatch_retention"]),
            region=settings["cloudwatch_region"] or None,
            profile=settings["cloudwatch_profile"] or None,
            endpoint=_endpoint(settings["cloudwatch_endpoint"]),
            buffer=_at_least_one(settings["cloudwatch_buffer"]),
            every=_seconds(settings["cloudwatch_every"]),
        )


def _group(worker: WorkerInfo) -> str:
    group = _name(worker, "cloudwatch_group", NOT_IN_GROUP)
    if group.startswith("aws/"):
        raise OptionError("cloudwatch_group: must not begin with 'aws/', which AWS reserves")
    return group


def _name(worker: WorkerInfo, setting: str, unfit: re.Pattern[str]) -> str:
    """Fill in a name. Invalid characters of the board and worker names become dashes."""
    known = {"{board}": worker.board, "{worker}": worker.name}

    def filled(word: re.Match[str]) -> str:
        if word[0] not in known:
            raise OptionError(f"{setting}: unknown placeholder {word[0]}, expected {' or '.join(known)}")
        return unfit.sub("-", known[word[0]])

    name = re.sub(r"\{\w*\}", filled, str(worker.settings[setting]))
    if found := unfit.search(name):
        raise OptionError(f"{setting}: CloudWatch does not allow {found[0]!r} in names")
    if not 0 < len(name) <= LONGEST_NAME:
        raise OptionError(f"{setting}: expected 1 to {LONGEST_NAME} characters, got {len(name)}")
    return name


def _retention(days: int) -> int:
    if days and days not in RETENTION:
        known = ", ".join(map(str, RETENTION))
        raise OptionError(f"cloudwatch_retention: expected 0 or one of {known} days, got {days}")
    return days


def _endpoint(url: str | None) -> str | None:
    """Check the URL. The error does not quote it, because it may contain a password."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise OptionError("cloudwatch_endpoint: expected a URL that begins with http:// or https://")
    return url


def _at_least_one(events: int) -> int:
    if events < 1:
        raise OptionError(f"cloudwatch_buffer: expected at least 1, got {events}")
    return events


def _seconds(seconds: float) -> float:
    if not 0 <= seconds <= 3600:
        raise OptionError(f"cloudwatch_every: expected 0 to 3600 seconds, got {seconds:g}")
    return seconds
