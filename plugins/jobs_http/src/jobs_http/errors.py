"""Errors of requests without a response."""

from __future__ import annotations


class RequestFailed(Exception):
    """A request failed without a response: a code for policies and a message without parts of the payload."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Shortage(RequestFailed):
    """The worker is short of sockets or threads: nothing was sent."""

    def __init__(self, message: str) -> None:
        super().__init__("connect", message)


class Refusal(RequestFailed):
    """The worker's settings forbid the address. The message names it, and the setting."""

    def __init__(self, message: str) -> None:
        super().__init__("refused", message)
