"""Derive ids for the lines of a crontab from their commands."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from pathlib import PurePosixPath

from jobs_core.text import as_bytes

GUARDS = re.compile(
    r"\[\[?|test|true|:|\.|if|elif|while|until|for|case|command|which|type"
    r"|cd|exit|export|set|sleep|umask|ulimit|fi|done"
)
"""Commands that only prepare another. The next command gives the name."""

WRAPPERS = re.compile(
    r"then|else|do|!|exec|sudo|doas|env|nice|ionice|chrt|nohup|setsid|time|timeout|flock|chronic"
)
"""Words before a command. The word after them gives the name."""

SHELLS = re.compile(r"sh|bash|dash|zsh|ksh")
INTERPRETERS = re.compile(SHELLS.pattern + r"|python[0-9.]*|perl|ruby|node|php[0-9.]*|run-parts")
"""Programs whose argument gives the name."""

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
_WRAPPER_ARGUMENT = re.compile(r"-.*|[0-9.]+[smhd]?|.*\.(?:lock|lck)")
_SUFFIX = re.compile(r"\.(?:sh|bash|py|pl|rb|php|js)$")


def derive_id(command: str) -> str:
    """Return a readable id for a command. It is never empty, and always the same for the same command.

    >>> derive_id("cd /srv && /usr/local/bin/backup-db.sh --full")
    'backup-db'
    >>> derive_id("run-parts --report /etc/cron.daily")
    'cron.daily'
    """
    found = (_name(words) for words in _simple_commands(command))
    return next(filter(None, found), None) or _slug(command.split()[0]) or "job"


def derive_ids(commands: Sequence[str], prefix: str = "", taken: Collection[str] = ()) -> list[str]:
    """Return an id for each command, whatever the order of different commands.

    Commands that share a name get a digest each: `sync-` and six digits. Only equal commands are numbered.

    >>> derive_ids(["/srv/sync.sh one", "/srv/sync.sh two"])
    ['sync-9c3006', 'sync-e86ad5']
    """
    names = [prefix + derive_id(command) for command in commands]
    sharing: dict[str, set[str]] = defaultdict(set)
    for name, command in zip(names, commands, strict=True):
        sharing[name].add(command)
    used = set(taken)
    found = []
    for name, command in zip(names, commands, strict=True):
        is_shared = len(sharing[name]) > 1 or name in taken
        found.append(unique_id(with_digest(name, command) if is_shared else name, used))
        used.add(found[-1])
    return found


def with_digest(name: str, command: str) -> str:
    """Return a name that no other command has."""
    return f"{name}-{hashlib.sha256(as_bytes(command)).hexdigest()[:6]}"


def unique_id(id: str, taken: Collection[str]) -> str:
    """Return the id, or the id with -2, -3 … appended if it is taken."""
    number, found = 1, id
    while found in taken:
        number += 1
        found = f"{id}-{number}"
    return found


def _simple_commands(command: str) -> Iterator[list[str]]:
    """Yield the words of each command in a line, without redirections."""
    words: list[str] = []
    for token in _TOKEN.finditer(_SUBSTITUTION.sub("_", command)):
        if token["word"]:
            words.append(token["word"].strip("\"'"))
        elif token["end"]:
            yield words
            words = []
    yield words


def _name(words: list[str]) -> str | None:
    """Return the name of a command, or None if it only prepares another or is inline code."""
    program, *arguments = _strip_wrappers(words) or [":"]
    if GUARDS.fullmatch(program):
        return None
    base = PurePosixPath(program).name
    if not INTERPRETERS.fullmatch(base):
        return _slug(program)
    run = next((word for word in arguments if not word.startswith("-")), program)
    if _CODE.isdisjoint(arguments):
        return _slug(run)
    return derive_id(run) if SHELLS.fullmatch(base) and run.strip() else None


def _strip_wrappers(words: list[str]) -> list[str]:
    """Return the words from the program on, without assignments, wrappers and their arguments."""
    wrapped = False
    for index, word in enumerate(words):
        if WRAPPERS.fullmatch(PurePosixPath(word).name):
            wrapped = True
        elif not _ASSIGNMENT.fullmatch(word) and not (wrapped and _is_wrapper_argument(words, index)):
            return words[index:]
    return []


def _is_wrapper_argument(words: list[str], index: int) -> bool:
    """Check whether a word belongs to a wrapper: an option, a user, a time or a lock file."""
    return bool(_WRAPPER_ARGUMENT.fullmatch(words[index])) or words[index - 1] in ("-u", "-g")


def _slug(word: str) -> str:
    """Return a word as part of an id: its base name, without script suffix and special characters."""
    name = _SUFFIX.sub("", PurePosixPath(word).name)
    return re.sub(r"[^A-Za-z0-9._]+", "-", name).strip("-._")[:64]
