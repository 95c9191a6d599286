"""How a notification fails: codes for policies, and which of them no retry can fix."""

from __future__ import annotations

RETRYABLE = frozenset(("408", "425", "429"))
"""The 4xx statuses of HTTP after which the same request may succeed later."""

FINAL = frozenset(("payload", "settings"))


class Failed(Exception):
    """A notification was not sent. The text of the error is its code, and nothing of a URL.

    Codes are the status of HTTP (`404`), `smtp-` and the reply of a mail server (`smtp-550`), `connect`,
    `timeout`, `tls`, `settings`, or `failed`, if the service does not say more.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def is_final(code: str) -> bool:
    """Return whether a retry cannot help: wrong payloads, settings, addresses and passwords.

    >>> is_final("404"), is_final("503"), is_final("smtp-550"), is_final("smtp-451")
    (True, False, True, False)
    """
    if code in FINAL or code.startswith("smtp-5"):
        return True
    return len(code) == 3 and code.isdigit() and code.startswith("4") and code not in RETRYABLE
