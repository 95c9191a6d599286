"""Restore a board from a dump: jobs and alerts, and the ledger if the dump has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from jobs_core.bounds import RETENTION
from jobs_core.client.author import signature
from jobs_core.client.checked_calls import CheckedCalls
from jobs_core.engine import bulk
from jobs_core.engine.calls import parts
from jobs_core.engine.commands import Call, Commands
from jobs_core.engine.replies import as_time
from jobs_core.errors import JobsError, OptionError
from jobs_core.options import LIMIT_OPTIONS, to_pairs

INCOMPLETE = "The dump is incomplete: its last line is missing. Dump the board again, and load that."


class Loading:
    """One load of a dump."""

    def __init__(self, commands: Commands, calls: CheckedCalls, by: str) -> None:
        self._commands = commands
        self._calls = calls
        self._signed = signature(by)
        self._dump = ""
        """The id of the dump, if it has a ledger."""
        self._has_ended = False

    def load(self, things: Iterable[Mapping[str, Any] | str]) -> Iterator[datetime | JobsError | None]:
        """Restore what a dump has. Yields a reply or an error for each line."""
        rest = iter(things)
        first = next(rest, None)
        if first is None:
            return
        found = _ledger_line(first)
        if found is not None and found["ledger"] == "begin":
            self._begin(found)
            self._calls = self._calls.unchecked()
            yield None
        else:
            rest = chain([first], rest)
        kinds = {
            "job": bulk.group_calls("JMSET", "set", *self._signed),
            "alert": bulk.call_each("JALERT"),
            "item": bulk.group_calls("JLOAD", "add", self._dump),
            "end": bulk.call_each("JLOAD"),
        }
        yield from bulk.stream(
            self._commands, rest, self._arguments, bulk.group_kinds(kinds), _read, at_once=10
        )
        if self._dump and not self._has_ended:
            raise OptionError(INCOMPLETE)

    def _begin(self, line: Mapping[str, Any]) -> None:
        """Begin to load a ledger: set the bounds and the limits. Raises ConflictError or LayoutError."""
        try:
            self._dump, layout = str(line["dump"]), str(line["layout"])
            bounds, limits = dict(line["bounds"]), [dict(limit) for limit in line["limits"]]
            calls: list[Call] = [
                (
                    "JLIMIT",
                    (limit.pop("kind"), limit.pop("name"), *to_pairs(limit, LIMIT_OPTIONS), *self._signed),
                )
                for limit in limits
            ]
        except (KeyError, TypeError, ValueError):
            raise OptionError("ledger: expected the first line of a dump, got another") from None
        self._commands.call("JLOAD", "begin", self._dump, layout)
        if bounds:
            calls.append(("JRETAIN", (*to_pairs(bounds, RETENTION), *self._signed)))
        for name, words in calls:
            self._commands.call(name, *words)

    def _arguments(self, thing: Mapping[str, Any]) -> tuple[str, Sequence[Any]]:
        """Return the kind of a line, and what its call has for it."""
        if "ledger" in thing:
            return self._ledger_arguments(thing)
        if self._has_ended:
            raise OptionError("The dump has ended before this line.")
        if "alert" in thing:
            name, words = self._calls.alert_words(thing)
            return "alert", ("put", name, *words, *self._signed)
        return "job", self._calls.put("JSET", **parts(thing))[1]

    def _ledger_arguments(self, thing: Mapping[str, Any]) -> tuple[str, Sequence[Any]]:
        if not self._dump or self._has_ended or thing["ledger"] == "begin":
            raise OptionError(
                "ledger: a ledger is loaded from its first line to its last, one dump at a time"
            )
        if thing["ledger"] == "end":
            self._has_ended = True
            return "end", ("end", self._dump, *self._signed)
        kind, n, id, values = (thing.get(name) for name in ("ledger", "n", "id", "values"))
        texts = [kind, id, *values] if isinstance(values, list) else [None]
        if not (isinstance(n, int) and all(isinstance(text, str) for text in texts)):
            raise OptionError("ledger: expected an item with n, id and values, all but n of them texts")
        return "item", (str(n), *texts)


def _ledger_line(thing: Mapping[str, Any] | str) -> Mapping[str, Any] | None:
    """Return a line if it is one of the ledger. What else it may be is told when it is loaded."""
    try:
        found = bulk.as_mapping(thing)
    except OptionError:
        return None
    return found if "ledger" in found else None


def _read(reply: Any) -> datetime | None:
    return None if reply == "OK" else as_time(reply)
