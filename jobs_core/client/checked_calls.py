"""The commands that put a job and push a task, once plugins and time zones have been checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from jobs_core.engine import zones
from jobs_core.engine.calls import as_raw
from jobs_core.engine.commands import Call, Commands, translated
from jobs_core.errors import OptionError, RunnerError
from jobs_core.options import PUSH_OPTIONS, nearest, to_pairs
from jobs_core.plugins.manager import Plugins
from jobs_core.types import Payload


class CheckedCalls:
    """Makes JSET, JSETNX and JPUSH calls of jobs and tasks that plugins accept.

    Args:
        plugins: What loads the plugins, when they are first needed.
        validate: False to check only the options, not the runner, policy and payload.
    """

    def __init__(self, commands: Commands, plugins: Callable[[], Plugins], *, validate: bool) -> None:
        self._commands = commands
        self._plugins = plugins
        self._validate = validate
        self._has_zones = False

    def put(
        self,
        name: str,
        id: str,
        runner: str,
        payload: Payload,
        options: Mapping[str, Any],
        *,
        is_own: bool = False,
    ) -> Call:
        """The command that puts a job, once plugins have checked it. Raises what `put` raises.

        A runner that `is_own` is the caller's, and known to nobody else.
        """
        raw = as_raw(payload)
        pairs = to_pairs(options)
        self.check_zone(options)
        self._check(id, runner, raw, options, is_own=is_own)
        return name, (id, runner, raw, *pairs)

    def push(self, target: str, payload: Payload | None, options: Mapping[str, Any]) -> Call:
        """The command that pushes a task or a job, likewise."""
        pairs = to_pairs(options, PUSH_OPTIONS)
        if payload is None:
            return "JPUSH", (target, *pairs)
        raw = as_raw(payload)
        self._check("push", target, raw, options)
        return "JPUSH", (target, raw, *pairs)

    def check_zone(self, options: Mapping[str, Any]) -> None:
        """See to it that the board knows the time zones; refuse one that nobody knows."""
        zone = options.get("zone")
        if zone is None:
            return
        if not self._has_zones:
            zones.ensure(self._commands)
            self._has_zones = True
        if (
            str(zone) not in zones.names()
        ):  # Redis may know it, from newer data; but a misspelt one is likelier
            hint = nearest(str(zone), zones.names())
            if hint:
                raise OptionError(f"zone: there is no time zone {zone!r}{hint}", option="zone")

    @cached_property
    def _served(self) -> set[str]:
        """The runners that workers of this board have served."""
        with translated(self._commands.server):
            return {str(name) for name in self._commands.client.hkeys(self._commands.keys.runners)}

    def _check(
        self, id: str, runner: str, raw: str, options: Mapping[str, Any], *, is_own: bool = False
    ) -> None:
        if not self._validate:
            return
        plugins = self._plugins()
        if not is_own and runner not in plugins.names("runners") and runner not in self._served:
            try:
                plugins.runner(runner)
            except RunnerError as error:
                board = self._commands.keys.board
                raise RunnerError(f"{error}; no worker of the board {board!r} has served it") from None
        plugins.check_job(id, runner, raw, options)
