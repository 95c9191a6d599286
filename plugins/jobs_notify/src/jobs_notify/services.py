"""The many services of apprise: chats, push services, webhooks, mail by a URL."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from jobs_notify.failures import Failed
from jobs_notify.message import Notice

_said: ContextVar[list[str] | None] = ContextVar("jobs_notify_said", default=None)

_STATUS = re.compile(r"\berror=(\d{3})\b")
_CONNECT = re.compile(r"\b(connection|socket|timed? ?out|timeout)\b", re.IGNORECASE)


def send(url: str, notice: Notice) -> None:
    """Send a notice to the service of a URL. Raises Failed.

    It may take as long as the service's timeouts, and cannot be interrupted.
    """
    import apprise

    with _listening() as said:
        services = apprise.Apprise(asset=_asset())
        if not services.add(url):
            raise Failed("settings")
        for service in services:
            if "overflow=" not in url:
                service.overflow_mode = apprise.OverflowMode.TRUNCATE
        has_sent = services.notify(
            title=notice.title,
            body=notice.body,
            body_format=apprise.NotifyFormat.TEXT,
            notify_type=notice.kind,
        )
    if not has_sent:
        raise Failed(_code(said))


def _asset() -> Any:
    """Return how apprise presents itself: without pictures from elsewhere."""
    from apprise import AppriseAsset

    return AppriseAsset(
        app_id="Jobs", app_desc="Jobs", app_url="", image_url_mask="", image_url_logo="", async_mode=False
    )


def _code(said: list[str]) -> str:
    """Return the code of a failure. Only apprise's log tells what it was."""
    for line in reversed(said):
        if found := _STATUS.search(line):
            return found[1]
    return "connect" if any(map(_CONNECT.search, said)) else "failed"


class _Ear(logging.Filter):
    """Keeps what apprise logs during a notification from other logs, since it may quote URLs."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep a record for those who listen, or let it pass."""
        said = _said.get()
        if said is None:
            return True
        said.append(record.getMessage())
        return False


_EAR = _Ear()


@contextmanager
def _listening() -> Iterator[list[str]]:
    logging.getLogger("apprise").addFilter(_EAR)  # adds it once
    said: list[str] = []
    token = _said.set(said)
    try:
        yield said
    finally:
        _said.reset(token)
