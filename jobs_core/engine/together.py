"""Call commands of several boards on one server, in one round trip."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from jobs_core.engine.commands import Call, Commands, confirm
from jobs_core.engine.wire import pack, read_replies, unknown_places
from jobs_core.errors import DeniedError

BoardCall = tuple[Commands, Call]
"""A call, and the commands of its board."""


class Together:
    """Calls of boards that share connections: see `Commands.for_board`.

    A board whose calls are rejected does not affect the others: its replies are errors.

    Args:
        calls: The calls, those of one board side by side.
    """

    def __init__(self, calls: Sequence[BoardCall]) -> None:
        self._groups = [
            (commands, [call for _, call in found])
            for commands, found in groupby(calls, key=lambda one: one[0])
        ]
        self._refused: dict[int, DeniedError] = {}
        self._read: list[tuple[Commands, list[Call], list[Any]]] = []

    def send(self, connection: Any) -> None:
        """Send the calls over a connection without waiting for their replies."""
        spelled: list[tuple[Any, ...]] = []
        self._refused = {}
        for place, (commands, calls) in enumerate(self._groups):
            try:
                spelled += commands.spell(calls)
            except DeniedError as error:
                self._refused[place] = error
        if spelled:
            connection.send_packed_command(pack(connection, spelled))

    def receive(self, connection: Any) -> list[Any]:
        """Read the replies to the calls, in order. The reply of a rejected command is its error."""
        # Read all of them first: nothing may be in flight while a missing library is loaded.
        self.read(connection)
        return self.finish(connection)

    def read(self, connection: Any) -> bool:
        """Read the replies. Returns whether the server lacks the library: then `finish` loads it."""
        self._read = [
            (commands, calls, read_replies(connection, calls))
            for place, (commands, calls) in enumerate(self._groups)
            if place not in self._refused
        ]
        return any(unknown_places(replies) for _, _, replies in self._read)

    def finish(self, connection: Any) -> list[Any]:
        """Return the replies that were read, like `receive`."""
        confirm(connection, self._read)
        found = iter([commands.finish(connection, calls, replies) for commands, calls, replies in self._read])
        return [
            reply
            for place, (_, calls) in enumerate(self._groups)
            for reply in ([self._refused[place]] * len(calls) if place in self._refused else next(found))
        ]


def call_together(commands: Commands, calls: Sequence[BoardCall]) -> list[Any]:
    """Call commands of several boards over a connection of `commands`, and return their replies in order.

    The reply of a rejected command is its error. Raises ServerError if Redis does not answer.
    """
    if not calls:
        return []
    together = Together(calls)
    with commands.connection() as connection:
        together.send(connection)
        return together.receive(connection)
