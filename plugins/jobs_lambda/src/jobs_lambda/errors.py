"""What may end an invocation before there is an answer."""

from __future__ import annotations


class Trouble(Exception):
    """There is no answer of a function: a code for policies, and words for people that quote nothing.

    `error` is AWS's name for it, if AWS answered. `retry_after` is in seconds.
    """

    def __init__(self, code: str, words: str, error: str = "", retry_after: float | None = None) -> None:
        super().__init__(words)
        self.code = code
        self.error = error
        self.retry_after = retry_after
