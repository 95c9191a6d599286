"""The CloudWatch logger: every event of a worker as a line of JSON in Amazon CloudWatch Logs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jobs_core import Event, Logger, Setting, WorkerInfo, hookimpl

if TYPE_CHECKING:
    from jobs_cloudwatch.sender import Sender


class CloudWatch:
    """The `cloudwatch` logger. Events before `open` and after `close` are dropped."""

    def __init__(self) -> None:
        self._sender: Sender | None = None

    def open(self, worker: WorkerInfo) -> None:
        """Start to send. Raises OptionError for invalid settings."""
        from jobs_cloudwatch.options import Options
        from jobs_cloudwatch.sender import Sender

        self._sender = Sender(Options.read(worker))
        self._sender.start()

    def write(self, event: Event) -> None:
        """Buffer an event. Never waits for CloudWatch."""
        if (sender := self._sender) is not None:
            sender.write(event)

    def close(self) -> None:
        """Send the remaining events, for at most 5 seconds."""
        sender, self._sender = self._sender, None
        if sender is not None:
            sender.close()


@hookimpl
def jobs_loggers() -> Iterator[Logger]:
    """Provide the `cloudwatch` logger."""
    logger = CloudWatch()
    summary = "One JSON object per event, in Amazon CloudWatch Logs"
    yield Logger("cloudwatch", logger.write, summary, logger.close, logger.open)


@hookimpl
def jobs_settings() -> Iterator[Setting]:
    """Declare where events go and how many are buffered."""
    yield Setting("cloudwatch_group", "/jobs/{board}", "Log group; may contain {board} and {worker}")
    yield Setting("cloudwatch_stream", "{worker}", "Log stream; may contain {board} and {worker}")
    yield Setting("cloudwatch_retention", 0, "Days that the group keeps events; 0 does not change it")
    yield Setting("cloudwatch_region", None, "AWS region, such as eu-west-1")
    yield Setting("cloudwatch_profile", None, "Profile in the AWS configuration")
    yield Setting("cloudwatch_endpoint", None, "URL of another CloudWatch Logs service, such as LocalStack")
    yield Setting("cloudwatch_buffer", 10_000, "Events to buffer while CloudWatch is unreachable")
    yield Setting("cloudwatch_every", 1.0, "Seconds to collect events before sending them")
