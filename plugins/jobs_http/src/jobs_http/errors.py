"""What may end a request before there is an answer."""

from __future__ import annotations


class Trouble(Exception):
    """No answer came: a code for policies, and words for people that quote nothing of the payload."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code
