"""Let plugins accompany pushes: see the hook `jobs_push`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from types import TracebackType
from typing import Any, Self

from jobs_core.contract import Push
from jobs_core.plugins.manager import Plugins
from jobs_core.plugins.notices import warn_once
from jobs_core.tracing import trace_of
from jobs_core.types import Payload

Hook = tuple[str, Callable[..., AbstractContextManager[None] | None]]
"""The name of a plugin, and its implementation of `jobs_push`."""


class Accompanied:
    """A push with the plugins that accompany it. A plugin that raises is reported, and stops no push.

    `options` are those to push with. They have the trace that plugins have set.
    """

    __slots__ = ("_entered", "_hooks", "_push", "options")

    def __init__(
        self, options: Mapping[str, Any], push: Push | None = None, hooks: Iterable[Hook] = ()
    ) -> None:
        self.options = options
        self._push = push
        self._hooks = hooks
        self._entered: list[tuple[str, AbstractContextManager[None]]] = []

    def __enter__(self) -> Self:
        if self._push is None:
            return self
        given = self._push.trace
        for name, hook in self._hooks:
            try:
                manager = hook(push=self._push)
                if manager is not None:
                    manager.__enter__()
                    self._entered.append((name, manager))
            except Exception as error:
                _report(name, error)
        if self._push.trace != given:
            self.options = {**self.options, **_NO_TRACE, **trace_of(self._push.trace)}
        return self

    def succeeded(self, task: str) -> str:
        """Tell the plugins the id of the task, and return it."""
        if self._push is not None:
            self._push.task = task
        return task

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name, manager in reversed(self._entered):
            try:
                manager.__exit__(kind, error, trace)
            except Exception as raised:
                if raised is not error:
                    _report(name, raised)


_NO_TRACE = {"traceparent": None, "tracestate": None}


class Pushes:
    """Begins the pushes of one board. It costs next to nothing if no plugin has the hook."""

    def __init__(self, board: str, server: str, plugins: Callable[[], Plugins]) -> None:
        self._board = board
        self._server = server
        self._plugins = plugins

    @cached_property
    def hooks(self) -> list[Hook]:
        """The implementations of `jobs_push`. The first use loads the plugins."""
        return list(self._plugins().implementations("jobs_push"))

    @property
    def is_ready(self) -> bool:
        """Whether the plugins are loaded."""
        return "hooks" in vars(self)

    def prepare(self) -> None:
        """Load the plugins, if that is still to do. It blocks."""
        _ = self.hooks

    def begin(
        self, target: str, payload: Payload | None, options: Mapping[str, Any], *, is_bulk: bool = False
    ) -> Accompanied:
        """Begin the push of a job, or of a one-off task with a payload. Use the result in a `with` block."""
        if not self.hooks:
            return Accompanied(options)
        trace = {name: options[name] for name in _NO_TRACE if options.get(name) is not None}
        push = Push(self._board, self._server, trace=trace, is_bulk=is_bulk)
        if payload is None:
            push.job = target
        else:
            push.runner, push.queue = target, str(options.get("queue") or target)
        return Accompanied(options, push, self.hooks)


def _report(name: str, error: Exception) -> None:
    warn_once([f"the plugin {name!r} raised in jobs_push: {type(error).__name__}: {error}"])
