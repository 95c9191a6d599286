"""Errors of invocations without a response of the function."""

from __future__ import annotations


class InvokeFailed(Exception):
    """An invocation failed: a code for policies and a message that quotes no data.

    `error` is the name of an AWS error. `retry_after` is in seconds.
    """

    def __init__(self, code: str, message: str, error: str = "", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.error = error
        self.retry_after = retry_after
