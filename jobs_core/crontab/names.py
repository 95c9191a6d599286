"""Ids for the lines of a crontab, derived from their commands."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath

GUARDS = re.compile(
    r"\[\[?|test|true|:|\.|if|elif|while|until|for|case|command|which|type"
    r"|cd|exit|export|set|sleep|umask|ulimit|fi|done"
)
"""What only prepares a command: the next one gives its name."""

WRAPPERS = re.compile(
    r"then|else|do|!|exec|sudo|doas|env|nice|ionice|chrt|nohup|setsid|time|timeout|flock|chronic"
)
"""What stands before a command: the word after it gives its name."""

SHELLS = re.compile(r"sh|bash|dash|zsh|ksh")
INTERPRETERS = re.compile(SHELLS.pattern + r"|python[0-9.]*|perl|ruby|node|php[0-9.]*|run-parts")
"""Programs that are named by what they run."""

_CODE = frozenset(("-c", "-e", "-r"))
_SUBSTITUTION = re.compile(r"\$\([^()]*\)|`[^`]*`")
_TOKEN = re.compile(
    r"""
    (?P<redirection> [0-9]*[<>]+&?[ \t]*[^\s;&|()]+ )
    | (?P<word> (?: "[^"]*" | '[^']*' | \\. | [^\s;&|(){}"'\\<>] )+ )
    | (?P<end> [;&|(){}] )
    """,
    re.VERBOSE,
)
_ASSIGNMENT = re.compile(r"\w+=.*")
_OWN = re.compile(r"-.*|[0-9.]+[smhd]?|.*\.(?:lock|lck)")
_SUFFIX = re.compile(r"\.(?:sh|bash|py|pl|rb|php|js)$")


def derived(command: str) -> str:
    """An id for a command, readable and always the same: never empty.

    >>> derived("cd /srv && /usr/local/bin/backup-db.sh --full")
    'backup-db'
    >>> derived("run-parts --report /etc/cron.daily")
    'cron.daily'
    """
    found = (_name(words) for words in _simple_commands(command))
    return next(filter(None, found), None) or _slug(command.split()[0]) or "job"


def unique(id: str, taken: Collection[str]) -> str:
    """An id that is not taken: with -2, -3 … after it if need be."""
    number, found = 1, id
    while found in taken:
        number += 1
        found = f"{id}-{number}"
    return found


def _simple_commands(command: str) -> Iterator[list[str]]:
    """The words of each command that a line has, without redirections."""
    words: list[str] = []
    for token in _TOKEN.finditer(_SUBSTITUTION.sub("_", command)):
        if token["word"]:
            words.append(token["word"].strip("\"'"))
        elif token["end"]:
            yield words
            words = []
    yield words


def _name(words: list[str]) -> str | None:
    """What a command is called; None for one that only prepares another, and for mere code."""
    program, *arguments = _unwrapped(words) or [":"]
    if GUARDS.fullmatch(program):
        return None
    base = PurePosixPath(program).name
    if not INTERPRETERS.fullmatch(base):
        return _slug(program)
    run = next((word for word in arguments if not word.startswith("-")), program)
    if _CODE.isdisjoint(arguments):
        return _slug(run)
    return derived(run) if SHELLS.fullmatch(base) and run.strip() else None


def _unwrapped(words: list[str]) -> list[str]:
    """The words from the program on: without assignments, wrappers, and what is the wrappers' own."""
    wrapped = False
    for place, word in enumerate(words):
        if WRAPPERS.fullmatch(PurePosixPath(word).name):
            wrapped = True
        elif not _ASSIGNMENT.fullmatch(word) and not (wrapped and _is_own(words, place)):
            return words[place:]
    return []


def _is_own(words: list[str], place: int) -> bool:
    """Whether a word after a wrapper is the wrapper's: an option, a user, a time, or a lock."""
    return bool(_OWN.fullmatch(words[place])) or words[place - 1] in ("-u", "-g")


def _slug(word: str) -> str:
    """A word as part of an id: its last name, without a script's suffix and what an id cannot have."""
    name = _SUFFIX.sub("", PurePosixPath(word).name)
    return re.sub(r"[^A-Za-z0-9._]+", "-", name).strip("-._")[:64]
