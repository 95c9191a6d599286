"""Call the commands of one board: functions of the library `jobs`, over a redis-py client."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Self, TypeVar

from jobs_core import errors
from jobs_core.engine import loader
from jobs_core.engine.build import commands, library
from jobs_core.engine.connections import Connections
from jobs_core.engine.durable import HISTORY, is_awaited, note_history, refusal, shortest_lease, wait_words
from jobs_core.engine.keys import Keys
from jobs_core.engine.outage import RETRY_PAUSE, Patience, is_connection_lost, refused_for_now
from jobs_core.engine.redis_errors import convert_errors, translated
from jobs_core.engine.timeouts import answer_timeout
from jobs_core.engine.wire import pack, read_replies, unknown_places

__all__ = ["Call", "Commands", "translated"]

T = TypeVar("T")

Call = tuple[str, Sequence[Any]]
"""A command's name and its arguments after the board."""

PATIENCE, PAUSE = 5.0, 0.05
"""Seconds to wait for another client to apply a board file, or for a slot to arrive; and between tries."""

REPEATABLE = frozenset(("JBEAT", "JINBOX", "JLIMIT", "JLOAD", "JOUTBOX", "JREGISTER", "JSET", "JTICK"))
"""Commands that change the board, and that change and return the same if they run twice."""

STILL_APPLYING = (
    "A board file is still being applied, and this user may only read. Try again in a moment, or run "
    "a command that changes the board as a user with write permission."
)


def _cannot_settle() -> bool:
    return False


class Commands(Connections):
    """Calls the commands of one board over a redis-py client. Thread-safe.

    If Redis has lost the functions (FUNCTION FLUSH, a restart without persistence), they are loaded again
    automatically. A call that Redis rejected for now, as a read-only replica does, is repeated. A call whose
    reply was lost is repeated only if it may run twice.
    """

    settle_commit: Callable[[], bool] = staticmethod(_cannot_settle)
    """For a partition that is about to commit a board file with the others: finds out what was decided, and
    decides if nobody has for too long. Returns False if there is nothing to do but to wait."""

    @property
    def parts(self) -> Sequence[Commands]:
        """The commands of each partition of the board: of itself, if it has none."""
        return (self,)

    def read_keys(self, read: Callable[[Any, Keys], T]) -> T:
        """Read keys, like `read`: `read` gets a client and the keys."""
        return self.read(lambda client: read(client, self.keys))

    def each(self, read: Callable[[Any, Keys], T]) -> list[T]:
        """Read keys of each partition of the board, or of itself, each with one command: see `gather`."""
        return self.gather([(place, read) for place in range(len(self.parts))])

    def gather(self, asked: Sequence[tuple[int, Callable[[Any, Keys], T]]]) -> list[T]:
        """Read keys of partitions, each with one command: `read` gets a client, or a pipeline, and the keys.

        Args:
            asked: Partitions, and what to read of each.
        """
        return [self.parts[place].read_keys(read) for place, read in asked]

    def call(self, name: str, *args: Any) -> Any:
        """Call one command and return its reply. Raises the errors of `jobs_core.errors`.

        If a board file is being applied, finish that first. If a reply ends early, call again for the rest.
        """
        found: list[Any] = []
        rest: Sequence[Any] = args
        while True:
            (reply,) = self.batch([(name, rest)])
            if isinstance(reply, errors.AgainError):
                self.finish_apply()
                continue
            if isinstance(reply, errors.JobsError):
                raise reply
            if not (rest := rest_of(name, rest, reply)):
                return found + reply if found else reply
            found += reply

    def complete(self, call: Call, reply: Any) -> Any:
        """Return all of the reply to a call of a batch or stream: see `call`. Raises its error."""
        name, args = call
        if isinstance(reply, errors.AgainError):
            return self.call(name, *args)
        if isinstance(reply, errors.JobsError):
            raise reply
        rest = rest_of(name, args, reply)
        return reply + self.call(name, *rest) if rest else reply

    def for_board(self, other: Self) -> Self:
        """Return the commands of another board, on the same connections."""
        twin = super().for_board(other)
        twin.settle_commit = other.settle_commit
        return twin

    def finish_apply(self) -> None:
        """Finish applying a committed board file, if there is one.

        A user who may only read, or who reads a replica, waits for another client to do so. Raises AgainError
        after `PATIENCE` seconds.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            left = self._apply_next_part()
            if isinstance(left, errors.DeniedError):
                self._wait_until_applied(deadline)
                return
            if isinstance(left, int):
                if left == 0:
                    return
            elif isinstance(left, errors.AgainError) and time.monotonic() < deadline:
                if not self.settle_commit():
                    time.sleep(PAUSE)
            elif isinstance(left, errors.JobsError):
                raise left

    def _apply_next_part(self) -> Any:
        """Apply the next part of a board file. Returns how many jobs are left, or an error."""
        try:
            (left,) = self.batch([("JAPPLY", ["roll"])])
        except errors.DeniedError as error:
            return error
        return left

    def _wait_until_applied(self, deadline: float) -> None:
        while True:
            (reply,) = self.batch([("JCOUNT", [])])
            if not isinstance(reply, errors.AgainError):
                return
            if time.monotonic() >= deadline:
                is_applied = "JAPPLY roll" in str(reply)  # otherwise the board is unavailable
                raise errors.AgainError(STILL_APPLYING if is_applied else str(reply))
            time.sleep(PAUSE)

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        """Call several commands in one round trip. The reply of a rejected command is its error.

        Raises DeniedError, without calling any, if this user may not call one of them. An error may be an
        AgainError while a board file is being applied: see `finish_apply`.
        """
        patience = Patience(self.patience)
        while True:
            try:
                with self.connection() as connection:
                    self.send(connection, calls)
                    return self.receive(connection, calls)
            except errors.ServerError as error:
                if patience.is_over or not self.may_repeat(calls, error.__cause__):
                    raise
            time.sleep(RETRY_PAUSE)

    def stream(self, calls: Iterable[Call], size: int = 500) -> Iterator[Any]:
        """Call any number of commands, and yield their replies in order, like `batch`.

        Redis works on one batch while the next one is written, unless the board is durable.
        """
        with self.connection() as connection:
            is_durable = self.replicas > 0
            waiting: Sequence[Call] = ()
            remaining = iter(calls)
            while chunk := list(islice(remaining, size)):
                self.send(connection, chunk)
                if is_durable:
                    yield from self.receive(connection, chunk)
                    continue
                replies = read_replies(connection, waiting)
                if unknown_places(replies):
                    # No calls may be in flight on the connection while it loads functions.
                    replies += read_replies(connection, chunk)
                    yield from self.finish(connection, [*waiting, *chunk], replies)
                    waiting = ()
                else:
                    yield from self.finish(connection, waiting, replies)
                    waiting = chunk
            yield from self.finish(connection, waiting, read_replies(connection, waiting))

    def load(self) -> dict[str, str]:
        """Load the library and the scripts, and create the board if needed. Returns the SHAs by command name.

        Raises LayoutError for a board made by another version of Jobs.
        """
        self.require_layout()
        with self.connection() as connection:
            shas = loader.publish(connection, self.keys)
            connection.send_command("SET", self.keys.layout, loader.VERSION, "NX")
            connection.read_response()
        self._load_everywhere()
        return shas

    def _load_everywhere(self) -> None:
        """Load the library into every primary of a cluster: the board's slot may move to any of them."""
        lacking = loader.versions_lacking(self.on_primaries(*loader.VERSION_CALL))
        if not lacking:
            return
        loaded = self.on_primaries("FUNCTION", "LOAD", "REPLACE", library(), only=lacking)
        for name, reply in loaded.items():
            if isinstance(reply, Exception):
                raise errors.ServerError(f"the primary {name} cannot load the functions: {reply}")

    def require_layout(self) -> None:
        """Raise LayoutError for a board made by another version of Jobs. Call it before reading keys."""
        (reply,) = self.batch([("JCOUNT", [])])
        if isinstance(reply, errors.LayoutError):
            raise reply

    def now(self) -> float:
        """Return the time of Redis's clock, in epoch seconds."""
        seconds, micros = self.read(lambda client: client.time())
        return int(seconds) + int(micros) / 1e6

    def send(self, connection: Any, calls: Sequence[Call]) -> None:
        """Send calls over a connection without waiting for their replies: see `receive`."""
        if calls:
            connection.send_packed_command(pack(connection, self.spell(calls)))

    def spell(self, calls: Sequence[Call]) -> list[tuple[Any, ...]]:
        """Return calls as Redis takes them. Raises DeniedError if this user may not call one of them."""
        self.access.require(name for name, _ in calls)
        known = commands()
        tag = self.keys.tag
        return [
            ("FCALL_RO" if known[name].only_reads else "FCALL", name, 1, tag, *args) for name, args in calls
        ]

    def receive(self, connection: Any, calls: Sequence[Call]) -> list[Any]:
        """Read the replies to calls that were sent, with nothing else under way on the connection.

        The reply of a rejected command is its error. On a durable board, the reply of a command that replicas
        have not confirmed is an UnconfirmedError.
        """
        return self.finish(connection, calls, self._read_confirmed(connection, calls))

    def _read_confirmed(self, connection: Any, calls: Sequence[Call]) -> list[Any]:
        """Read the replies to calls. On a durable board, wait for replicas to confirm what these wrote."""
        replies = read_replies(connection, calls)
        confirm(connection, [(self, calls, replies)])
        return replies

    def finish(self, connection: Any, calls: Sequence[Call], replies: list[Any]) -> list[Any]:
        """Repeat calls whose function was missing, and convert the errors of Redis."""
        unknown = unknown_places(replies)
        if unknown:
            self._restore(connection)
            again = [calls[i] for i in unknown]
            self.send(connection, again)
            for i, reply in zip(unknown, self._read_confirmed(connection, again), strict=True):
                replies[i] = reply
        if any(map(refused_for_now, replies)):
            self._stale.add(connection)
            self.forget_connections()
            self._repeat_refused(calls, replies)
        return [self._to_error(reply, name) for reply, (name, _) in zip(replies, calls, strict=True)]

    def may_repeat(self, calls: Sequence[Call], cause: object) -> bool:
        """Return whether to repeat calls that failed as a whole: Redis ran none, or may run them twice."""
        if refused_for_now(cause):
            return len(calls) == 1
        is_lost = self.has_connected and is_connection_lost(cause)
        return is_lost and all(may_run_twice(name) for name, _ in calls)

    def _repeat_refused(self, calls: Sequence[Call], replies: list[Any]) -> None:
        """Repeat the calls that Redis rejected for now, on new connections, and replace their replies."""
        patience = Patience(self.patience)
        while not patience.is_over and (refused := [i for i, r in enumerate(replies) if refused_for_now(r)]):
            time.sleep(RETRY_PAUSE)
            again = [calls[i] for i in refused]
            with self.connection() as connection:
                self.send(connection, again)
                for i, reply in zip(refused, self._read_confirmed(connection, again), strict=True):
                    replies[i] = reply
                if any(map(refused_for_now, replies)):
                    self._stale.add(connection)

    def _to_error(self, reply: Any, name: str) -> Any:
        if isinstance(reply, errors.UnconfirmedError):
            reply.reply = self._to_error(reply.reply, name)
            return reply
        found = convert_errors(reply, self.server)
        return self.access.explained(found, name) if isinstance(found, errors.DeniedError) else found


def confirm(connection: Any, groups: Sequence[tuple[Commands, Sequence[Call], list[Any]]]) -> None:
    """Wait for replicas to confirm what calls of durable boards wrote over a connection.

    Args:
        connection: The connection, with nothing under way.
        groups: The commands of each board, its calls, and their replies. Those that count for nothing yet
            become an UnconfirmedError.
    """
    awaited = [
        (board, call, replies, place)
        for board, calls, replies in groups
        if board.replicas
        for place, call in enumerate(calls)
        if is_awaited(call[0]) and not isinstance(replies[place], Exception)
    ]
    if not awaited:
        return
    most = max(board.replicas for board, *_ in awaited)
    lease = min(shortest_lease(*call, replies[place]) for _, call, replies, place in awaited)
    words = wait_words(most, answer_timeout(awaited[0][0].client), lease)
    confirmed, info = loader.exchange(connection, words, HISTORY)
    is_other = note_history(connection, info)
    for board, _, replies, place in awaited:
        if sentence := refusal(confirmed, board.replicas, board.server, is_other=is_other):
            replies[place] = errors.UnconfirmedError(sentence, replies[place])
            board.recheck()


ENDING_EARLY = frozenset(("JALERTS", "JGET", "JSUMMARY"))
"""Commands that reply with an item for each id, as far as Redis comes in a few ms.

Without names, JALERTS replies with as many alerts. An empty text at the end then says that there are more.
"""


def rest_of(name: str, args: Sequence[Any], reply: Any) -> Sequence[Any]:
    """Return the arguments of a call for what is missing in a reply: nothing, if it is whole.

    An empty text that only says that there is more is taken out of the reply.

    >>> rest_of("JSUMMARY", ["a", "b", "-", "only", "last"], ["{…}"])
    ['b', '-', 'only', 'last']
    """
    if name not in ENDING_EARLY:
        return ()
    count = args.index("-") if "-" in args else len(args)
    if name == "JALERTS" and count == 0:
        return _later_alerts(args, reply)
    return args[len(reply) :] if 0 < len(reply) < count else ()


def _later_alerts(args: Sequence[Any], reply: Any) -> Sequence[Any]:
    """Return the arguments of JALERTS for the alerts after those of a reply, if there are more."""
    if not reply or reply[-1] != "":
        return ()
    reply.pop()
    options = dict(zip(args[1::2], args[2::2], strict=True)) | {"after": json.loads(reply[-1])["name"]}
    return ["-", *(word for pair in options.items() for word in pair)]


def may_run_twice(name: str) -> bool:
    """Return whether a command may be repeated that Redis may have run: it only reads, or is repeatable."""
    return commands()[name].only_reads or name in REPEATABLE
