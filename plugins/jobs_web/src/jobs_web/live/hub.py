"""Keeps pages live: renders each page that somebody watches now and then, once for all who watch it.

A page that is watched is a channel. Watchers of the same page with the same role share it. One thread renders
all channels in turn, so the cost is bounded, however many pages are open: the more, the less often each is
rendered.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from jobs_core import JobsError

LOG = logging.getLogger("jobs_web")

INTERVAL = 1.0
"""Seconds between two renderings of a page, at least."""

REST, LONGEST_REST = 4, 2.0
"""How many times as long as a page took the thread rests after it, and for how many seconds at most. So live
pages take a fifth of a core, and of Redis, at most."""

HEARTBEAT = 5.0
"""Seconds after which a watcher hears that all is well, though nothing has changed."""

Render = Callable[[], dict[str, str]]
"""Renders the live parts of a page, by the ids of their elements."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A page to watch: what the watcher calls it, what identifies its channel, and how it is rendered."""

    name: str
    key: tuple[str, ...]
    render: Render


@dataclass(frozen=True, slots=True)
class Update:
    """What has changed on a page: the new content of elements, or why there is none."""

    name: str
    parts: dict[str, str] = field(default_factory=dict)
    trouble: str | None = None


class _Channel:
    """A page that is rendered again and again, while somebody watches it."""

    def __init__(self, render: Render) -> None:
        self.render = render
        self.watchers: set[asyncio.Event] = set()
        self.parts: dict[
            str, tuple[int, str]
        ] = {}  # by element: the version since when it is like this, and it
        self.trouble: str | None = None
        self.version = 0

    def keep(self, parts: dict[str, str], trouble: str | None) -> None:
        """Note what a rendering gave, and wake the watchers if it differs."""
        changed = {id: html for id, html in parts.items() if not _same(html, self.parts.get(id, (0, ""))[1])}
        if not changed and trouble == self.trouble:
            return
        self.version += 1
        self.parts |= {id: (self.version, html) for id, html in changed.items()}
        self.trouble = trouble
        for watcher in self.watchers:
            watcher.set()

    def since(self, version: int) -> dict[str, str]:
        """Return the parts that have changed after a version."""
        return {id: html for id, (changed, html) in self.parts.items() if changed > version}


_TIMES = re.compile(r"(<time[^>]*><span>)[^<]*")


def _same(one: str, other: str) -> bool:
    """Return whether two parts differ at most in how long ago something was: the browser counts that on."""
    return one == other or _TIMES.sub(r"\1", one) == _TIMES.sub(r"\1", other)


class Hub:
    """The channels of an application. It belongs to the event loop that first uses it."""

    def __init__(self, interval: float = INTERVAL) -> None:
        self.interval = interval
        self._channels: dict[tuple[str, ...], _Channel] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._rests_until = 0.0
        self._renderer = ThreadPoolExecutor(1, thread_name_prefix="jobs-web-live")

    async def watch(self, topics: Iterable[Topic]) -> AsyncIterator[list[Update]]:
        """Yield what changes on some pages; now and then an empty list.

        A slow reader misses steps, but never the last state.
        """
        wake = asyncio.Event()
        channels = [(topic, self._join(topic, wake)) for topic in topics]
        seen: dict[Topic, tuple[int, str | None]] = {topic: (0, None) for topic, _ in channels}
        try:
            while True:
                wake.clear()
                updates = []
                for topic, channel in channels:
                    state = (channel.version, channel.trouble)
                    if state != seen[topic]:
                        updates.append(Update(topic.name, channel.since(seen[topic][0]), channel.trouble))
                        seen[topic] = state
                yield updates
                try:
                    await asyncio.wait_for(wake.wait(), HEARTBEAT)
                except TimeoutError:
                    continue
        finally:
            for topic, channel in channels:
                self._leave(topic, channel, wake)

    def _join(self, topic: Topic, wake: asyncio.Event) -> _Channel:
        channel = self._channels.get(topic.key)
        if channel is None:
            channel = self._channels[topic.key] = _Channel(topic.render)
            task = asyncio.create_task(self._keep_rendering(topic.key, channel))
            self._tasks.add(task)  # the loop itself keeps only a weak reference
            task.add_done_callback(self._tasks.discard)
        channel.watchers.add(wake)
        return channel

    def _leave(self, topic: Topic, channel: _Channel, wake: asyncio.Event) -> None:
        channel.watchers.discard(wake)
        if not channel.watchers and self._channels.get(topic.key) is channel:
            del self._channels[topic.key]

    async def _keep_rendering(self, key: tuple[str, ...], channel: _Channel) -> None:
        loop = asyncio.get_running_loop()
        while channel.watchers:
            parts, trouble = await loop.run_in_executor(self._renderer, self._render, channel.render)
            channel.keep(parts, trouble)
            await asyncio.sleep(self.interval)

    def _render(self, render: Render) -> tuple[dict[str, str], str | None]:
        """Render a page, after a rest from the one before. Returns its parts, or why there are none."""
        time.sleep(max(0.0, self._rests_until - time.monotonic()))
        started = time.monotonic()
        try:
            return render(), None
        except JobsError as error:
            started = time.monotonic()  # it may have waited for Redis, and soon tries again
            return {}, str(error)
        except Exception:
            LOG.exception("a page could not be rendered")
            return {}, "Jobs failed to render this page. The log of the server says why."
        finally:
            ended = time.monotonic()
            self._rests_until = ended + min(LONGEST_REST, REST * (ended - started))
