"""The CloudWatch logger: every event of a worker as a line of JSON in Amazon CloudWatch Logs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jobs_core import Event, Logger, Setting, WorkerInfo, hookimpl

if TYPE_CHECKING:
    from jobs_cloudwatch.sender import Sender


class CloudWatch:
    """The `cloudwatch` logger. What is written before it is opened, or after it is closed, is lost."""

    def __init__(self) -> None:
        self._sender: Sender | None = None

    def open(self, worker: WorkerInfo) -> None:
        """Begin to send. Raises OptionError for settings that cannot work."""
        from jobs_cloudwatch.options import Options
        from jobs_cloudwatch.sender import Sender

        self._sender = Sender(Options.read(worker))
        self._sender.start()

    def write(self, event: Event) -> None:
        """Keep an event until it is sent. Never waits for CloudWatch."""
        if (sender := self._sender) is not None:
            sender.write(event)

    def close(self) -> None:
        """Send what is left, within a few seconds."""
        sender, self._sender = self._sender, None
        if sender is not None:
            sender.close()


@hookimpl
def jobs_loggers() -> Iterator[Logger]:
    """The `cloudwatch` logger."""
    logger = CloudWatch()
    summary = "One JSON object an event, in Amazon CloudWatch Logs"
    yield Logger("cloudwatch", logger.write, summary, logger.close, logger.open)


@hookimpl
def jobs_settings() -> Iterator[Setting]:
    """Where events go, and how many may wait."""
    yield Setting("cloudwatch_group", "/jobs/{board}", "The log group; {board} and {worker} are known")
    yield Setting("cloudwatch_stream", "{worker}", "The log stream; {board} and {worker} are known")
    yield Setting("cloudwatch_retention", 0, "Days that the group keeps events; 0: leave it as it is")
    yield Setting("cloudwatch_region", None, "The AWS region, such as eu-west-1")
    yield Setting("cloudwatch_profile", None, "The profile in the AWS configuration that is used")
    yield Setting("cloudwatch_endpoint", None, "The URL of a CloudWatch Logs that is not AWS's own")
    yield Setting("cloudwatch_buffer", 10_000, "How many events may wait while CloudWatch is away")
    yield Setting("cloudwatch_every", 1.0, "Seconds that events are collected before they are sent")
