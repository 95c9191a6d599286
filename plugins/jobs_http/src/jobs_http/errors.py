"""Errors of requests without a response."""

from __future__ import annotations


class Trouble(Exception):
    """A request failed without a response: a code for policies and a message without parts of the payload."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
