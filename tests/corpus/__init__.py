"""A corpus of bad input: what people type, write into files and set as variables, and what they are told.

Each module has one table, `CASES`. `tests/test_corpus.py` runs all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath


@dataclass(frozen=True, slots=True)
class Bad:
    """One call of `jobs` that must be refused.

    Args:
        words: The command line, split at blanks, or a tuple of words. FILE stands for the path of the first
            of `files`, DIR for their directory, TOKEN for the token of a task that has ended.
        says: Words of the sentence that names the mistake.
        code: The exit code: 2 for a mistake, 1 for a fault.
        input: Standard input.
        files: Files, by name. Their contents are text or bytes.
        variables: Environment variables.
    """

    words: str | tuple[str, ...]
    says: str
    code: int = 2
    input: str | bytes | None = None
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)

    def line(self, folder: PurePath, token: str) -> tuple[str, ...]:
        """Return the words of the command line, with the names of files and the token filled in."""
        first = str(folder / next(iter(self.files), "missing"))
        names = {"FILE": first, "DIR": str(folder), "TOKEN": token}
        words = self.words.split() if isinstance(self.words, str) else self.words
        return tuple(names.get(word, word) for word in words)
