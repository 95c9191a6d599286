"""A client of one log stream in CloudWatch Logs. Importing this module imports boto3."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import boto3
from botocore.config import Config

from jobs_cloudwatch.batch import Line
from jobs_cloudwatch.errors import Rejected, Unavailable
from jobs_cloudwatch.options import Options
from jobs_cloudwatch.trouble import CONTENT, DENIED, EXISTS, MISSING, as_unavailable

CONNECT_TIMEOUT = 5
READ_TIMEOUT = 20
"""Timeouts in seconds. boto3 does not retry, because the sender does."""

NOT_CREATED = (
    "the log group or stream does not exist and AWS denied its creation: create it, or allow "
    "logs:CreateLogGroup and logs:CreateLogStream"
)
DELETED = "the log group or stream no longer exists"


class Cloud:
    """A log stream, created on first use. `say` receives messages for people."""

    def __init__(self, options: Options, say: Callable[[str], None]) -> None:
        self._options = options
        self._say = say
        self._client: Any = None
        self._ready = False
        self._may_create = True

    def put(self, lines: Sequence[Line]) -> int:
        """Send a batch. Returns how many of its events CloudWatch dropped. Raises Unavailable, Rejected."""
        if not self._ready:
            self._prepare()
        events = [{"timestamp": line.time, "message": line.text.decode()} for line in lines]
        try:
            answer = self._call("put_log_events", **self._stream, logEvents=events)
        except Unavailable as error:
            if error.code in CONTENT:
                raise Rejected from None
            if error.code == MISSING:
                self._ready = False
                raise Unavailable(
                    DELETED if self._may_create else NOT_CREATED, MISSING, self._may_create
                ) from None
            raise
        return left_out(answer.get("rejectedLogEventsInfo") or {}, len(lines))

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()

    @property
    def _stream(self) -> dict[str, str]:
        return {"logGroupName": self._options.group, "logStreamName": self._options.stream}

    def _prepare(self) -> None:
        """Create the stream, and the group if that is missing.

        The stream comes first, because credentials often cannot create a group. If they cannot create a
        stream either, it may already exist.
        """
        if self._client is None:
            self._client = self._connect()
        self._may_create = True
        try:
            self._create("create_log_stream", **self._stream)
        except Unavailable as error:
            if error.code in DENIED:
                self._may_create = False
            elif error.code == MISSING:
                self._create_group()
                self._create("create_log_stream", **self._stream)
            else:
                raise
        self._retain()
        self._ready = True

    def _create_group(self) -> None:
        try:
            self._create("create_log_group", logGroupName=self._options.group)
        except Unavailable as error:
            if error.code in DENIED:
                raise Unavailable(NOT_CREATED, error.code) from None
            raise

    def _create(self, operation: str, **arguments: str) -> None:
        """Create a group or stream that may already exist."""
        try:
            self._call(operation, **arguments)
        except Unavailable as error:
            if error.code != EXISTS:
                raise

    def _retain(self) -> None:
        """Set the retention of the group, if configured."""
        days, group = self._options.retention, self._options.group
        if not days:
            return
        try:
            self._call("put_retention_policy", logGroupName=group, retentionInDays=days)
        except Unavailable as error:
            if error.transient:
                raise
            if error.code != MISSING:  # PutLogEvents reports a missing group
                self._say(f"cannot set the retention: {error}")

    def _connect(self) -> Any:
        """Create a client. boto3 chooses what the options leave open."""
        options = self._options
        config = Config(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            retries={"total_max_attempts": 1},
            user_agent_extra="jobs-cloudwatch",
        )
        try:
            session = boto3.Session(profile_name=options.profile, region_name=options.region)
            return session.client("logs", endpoint_url=options.endpoint, config=config)
        except Exception as error:
            raise as_unavailable(error) from None

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Call a method of boto3's client. Raises Unavailable for every error."""
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**arguments)
        except Exception as error:
            raise as_unavailable(error) from None
        return answer


def left_out(rejected: dict[str, int], count: int) -> int:
    """Return how many events of a batch CloudWatch dropped as too old, expired or too new.

    >>> left_out({"tooOldLogEventEndIndex": 2, "tooNewLogEventStartIndex": 9}, 10)
    3
    """
    old = max(rejected.get("tooOldLogEventEndIndex", 0), rejected.get("expiredLogEventEndIndex", 0))
    new = count - rejected.get("tooNewLogEventStartIndex", count)
    return max(0, min(count, old + new))
