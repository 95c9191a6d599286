"""Plans: what both clients ask a board to read a list. Board and AsyncBoard share them.

A plan is a generator: it yields steps and is sent their replies. Some plans yield lists of what they have
found, and others return it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from redis.exceptions import ResponseError

from jobs_core.engine.commands import Call

if TYPE_CHECKING:
    from jobs_core.client.aio_commands import AsyncBoardCommands
    from jobs_core.engine.keys import Keys
    from jobs_core.engine.partitions.board import BoardCommands

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask:
    """A command of Redis for one partition.

    Args:
        call: Sends it to a client, for the keys of the partition.
        older: Sends another one to a server that is too old for it.
        place: The number of the partition. A board without any is number 0.
    """

    call: Callable[[Any, Keys], Any]
    older: Callable[[Any, Keys], Any] | None = None
    place: int = 0

    def ask(self, client: Any, keys: Keys) -> Any:
        """Send the command, and read its reply."""
        try:
            return self.call(client, keys)
        except ResponseError as error:
            return self._fallback(error)(client, keys)

    async def ask_async(self, client: Any, keys: Keys) -> Any:
        """Do the same as `ask`, with an asyncio client."""
        try:
            return await self.call(client, keys)
        except ResponseError as error:
            return await self._fallback(error)(client, keys)

    def _fallback(self, error: ResponseError) -> Callable[[Any, Keys], Any]:
        """Return the call for an older server, if the error is a syntax error. Raises any other error."""
        if self.older is None or "syntax" not in str(error):
            raise error
        return self.older


@dataclass(frozen=True, slots=True)
class Several:
    """Commands of Redis for partitions, in one round trip. The reply has that of each, in order."""

    asks: Sequence[Ask]


@dataclass(frozen=True, slots=True)
class AskPlaces:
    """The question which partition has what. The reply is the board's Places."""


Step = Ask | Several | AskPlaces | Call

Listing = Generator[Step | list[T], Any, None]
"""A plan that yields lists of what it has found."""

Paging = Generator[Step, Any, T]
"""A plan that returns what it has found."""


def ask_each(call: Callable[[Any, Keys], Any]) -> Paging[list[Any]]:
    """Send a command to each partition. Returns the replies."""
    places = yield AskPlaces()
    return list((yield Several([Ask(call, place=place) for place in places.all])))


def lists(plan: Listing[T], commands: BoardCommands) -> Iterator[list[T]]:
    """Take the steps of a plan, and yield its lists."""
    reply: Any = None
    while True:
        try:
            step = plan.send(reply)
        except StopIteration:
            return
        reply = None
        if isinstance(step, list):
            yield step
        else:
            reply = answer(commands, step)


async def lists_async(plan: Listing[T], commands: AsyncBoardCommands) -> AsyncIterator[list[T]]:
    """Do the same as `lists`, with an asyncio client."""
    reply: Any = None
    while True:
        try:
            step = plan.send(reply)
        except StopIteration:
            return
        reply = None
        if isinstance(step, list):
            yield step
        else:
            reply = await answer_async(commands, step)


def whole(plan: Paging[T], commands: BoardCommands) -> T:
    """Take the steps of a plan, and return what it has found."""
    reply: Any = None
    while True:
        try:
            step = plan.send(reply)
        except StopIteration as end:
            found: T = end.value
            return found
        reply = answer(commands, step)


async def whole_async(plan: Paging[T], commands: AsyncBoardCommands) -> T:
    """Do the same as `whole`, with an asyncio client."""
    reply: Any = None
    while True:
        try:
            step = plan.send(reply)
        except StopIteration as end:
            found: T = end.value
            return found
        reply = await answer_async(commands, step)


def answer(commands: BoardCommands, step: Step) -> Any:
    """Return the reply to a step."""
    if isinstance(step, Ask):
        return commands.parts[step.place].read_keys(step.ask)
    if isinstance(step, Several):
        return commands.gather([(ask.place, ask.call) for ask in step.asks])
    if isinstance(step, AskPlaces):
        return commands.places
    return commands.call(step[0], *step[1])


async def answer_async(commands: AsyncBoardCommands, step: Step) -> Any:
    """Do the same as `answer`, with an asyncio client."""
    if isinstance(step, Ask):
        return await (await commands.parts())[step.place].read_keys(step.ask_async)
    if isinstance(step, Several):
        return await commands.gather([(ask.place, ask.call) for ask in step.asks])
    if isinstance(step, AskPlaces):
        return await commands.places()
    return await commands.call(step[0], *step[1])


def take(plan: Listing[T], use: Callable[[list[T]], bool]) -> Paging[bool]:
    """Pass the lists of a plan to `use` until this returns True. Returns whether it ever did."""
    reply: Any = None
    while True:
        try:
            step = plan.send(reply)
        except StopIteration:
            return False
        if not isinstance(step, list):
            reply = yield step
        elif use(step):
            return True
        else:
            reply = None


def converted(plan: Listing[Any], convert: Callable[[list[Any]], list[T]]) -> Listing[T]:
    """Yield the lists of a plan as something else."""
    reply: Any = None
    while True:
        try:
            step = plan.send(reply)
        except StopIteration:
            return
        reply = yield convert(step) if isinstance(step, list) else step
