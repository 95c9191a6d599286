"""The settings of the logger, checked before the worker takes a task."""

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
"""The numbers of days that CloudWatch takes."""

LONGEST_NAME = 512
NOT_IN_GROUP = re.compile(r"[^-._/#A-Za-z0-9]")
NOT_IN_STREAM = re.compile(r"[:*]")


@dataclass(frozen=True, slots=True)
class Options:
    """Where events go and how many may wait. `retention` is in days, `every` in seconds.

    None leaves a choice to boto3: to its environment variables and files.
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
        """The options of a worker. Raises OptionError for what cannot work."""
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
        raise OptionError("cloudwatch_group may not begin with 'aws/', which AWS keeps for itself")
    return group


def _name(worker: WorkerInfo, setting: str, unfit: re.Pattern[str]) -> str:
    """A name as the setting has it. What is filled in gets dashes for what no name may have."""
    known = {"{board}": worker.board, "{worker}": worker.name}

    def filled(word: re.Match[str]) -> str:
        if word[0] not in known:
            raise OptionError(f"{setting} has {word[0]}, which is not known: use {' or '.join(known)}")
        return unfit.sub("-", known[word[0]])

    name = re.sub(r"\{\w*\}", filled, str(worker.settings[setting]))
    if found := unfit.search(name):
        raise OptionError(f"{setting} may not have {found[0]!r} in it: CloudWatch takes no such name")
    if not 0 < len(name) <= LONGEST_NAME:
        raise OptionError(f"{setting} must have 1 to {LONGEST_NAME} characters, not {len(name)}")
    return name


def _retention(days: int) -> int:
    if days and days not in RETENTION:
        known = ", ".join(map(str, RETENTION))
        raise OptionError(f"cloudwatch_retention must be 0 or a number of days of {known}, not {days}")
    return days


def _endpoint(url: str | None) -> str | None:
    """A URL, which is not quoted: it may hold a password."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise OptionError("cloudwatch_endpoint must be a URL that begins with http:// or https://")
    return url


def _at_least_one(events: int) -> int:
    if events < 1:
        raise OptionError(f"cloudwatch_buffer must be at least 1, not {events}")
    return events


def _seconds(seconds: float) -> float:
    if not 0 <= seconds <= 3600:
        raise OptionError(f"cloudwatch_every must be 0 to 3600 seconds, not {seconds:g}")
    return seconds
