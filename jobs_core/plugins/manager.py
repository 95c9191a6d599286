"""Finding plugins, keeping each one's faults to itself, and choosing what they provide by name."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

import pluggy

from jobs_core.contract import Check, Logger, Policy, Runner
from jobs_core.errors import PluginError, RunnerError
from jobs_core.options import nearest
from jobs_core.plugins import hookspecs
from jobs_core.plugins.builtin import hooks as builtin
from jobs_core.plugins.payloads import check_payload
from jobs_core.plugins.settings import Value
from jobs_core.plugins.settings import read as read_settings
from jobs_core.types import Job, parse_payload

if TYPE_CHECKING:
    import click

GROUP = "jobs"
WORDS = {
    "runners": "runner",
    "policies": "policy",
    "loggers": "logger",
    "checks": "check",
    "settings": "setting",
}
KINDS = tuple(WORDS)

SLOW = 0.5
"""Seconds that an import may take before `jobs plugins` says so: every command waits for it."""


@dataclass(slots=True)
class PluginInfo:
    """A plugin as `jobs plugins` shows it. `state` is `ok`, `broken`, `incompatible` or `disabled`.

    `notes` are what its author should look after, though it works. `seconds` is what its import took.
    """

    name: str
    distribution: str = ""
    version: str = ""
    state: str = "ok"
    reason: str = ""
    hooks: list[str] = field(default_factory=list)
    provides: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Plugins:
    """The plugins of this process. `Plugins.load()` finds them; a broken one harms no other."""

    def __init__(self) -> None:
        self.manager = pluggy.PluginManager(hookspecs.PROJECT)
        self.manager.add_hookspecs(hookspecs)
        self.infos: list[PluginInfo] = []
        self._provided: dict[str, dict[str, list[tuple[str, Any]]]] = {kind: {} for kind in KINDS}
        self.add("builtin", builtin)

    @classmethod
    def load(cls) -> Plugins:
        """Find plugins through the entry-point group `jobs`.

        JOBS_DISABLE_PLUGINS (names, comma-separated) leaves some out; JOBS_STRICT_PLUGINS=1 makes a broken
        one raise PluginError.
        """
        plugins = cls()
        disabled = set(os.environ.get("JOBS_DISABLE_PLUGINS", "").split(","))
        for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
            plugins._add_entry(entry, disabled)
        plugins._note_clashes()
        if os.environ.get("JOBS_STRICT_PLUGINS") == "1":
            plugins.raise_if_broken()
        return plugins

    def add(self, name: str, plugin: object, info: PluginInfo | None = None) -> PluginInfo:
        """Register a plugin object: its hooks are checked, and what it provides is collected."""
        info = info or PluginInfo(name)
        self.infos.append(info)
        try:
            self.manager.register(plugin, name)
            self._check_hooks(plugin)
            provided = {kind: self._collect(plugin, kind) for kind in KINDS}
        except Exception as error:
            _break(info, error)
            if self.manager.has_plugin(name):
                self.manager.unregister(name=name)
            return info
        info.hooks = sorted(hook.name for hook in self.manager.get_hookcallers(plugin) or ())
        for kind, things in provided.items():
            if things:
                info.provides[kind] = [thing.name for thing in things]
            for thing in things:
                self._provided[kind].setdefault(thing.name, []).append((name, thing))
        return info

    def runner(self, name: str) -> Runner:
        """The runner of that name. Raises RunnerError if nobody provides it, PluginError if two do."""
        found: Runner = self._choose("runners", "runner", name)
        return found

    def runners(self) -> list[Runner]:
        """Every runner that can be chosen, by name."""
        return self._all("runners")

    def policy(self, name: str) -> Policy:
        """The policy of that name. Raises as `runner` does."""
        found: Policy = self._choose("policies", "policy", name)
        return found

    def logger(self, name: str) -> Logger:
        """The logger of that name. Raises as `runner` does."""
        found: Logger = self._choose("loggers", "logger", name)
        return found

    def checks(self) -> list[Check]:
        """Every check of `jobs doctor`, by name."""
        return self._all("checks")

    def settings(self) -> dict[str, Any]:
        """Every declared setting, by name. Raises OptionError for one that is not understood."""
        return {found.name: found.value for found in self.setting_values()}

    def setting_values(self) -> list[Value]:
        """Every declared setting as it stands, and where its value came from. Raises OptionError."""
        chosen = sorted(self._provided["settings"].items())
        return read_settings(found[0] for _, found in chosen if len(found) == 1)

    def names(self, kind: str) -> list[str]:
        """The names provided of a kind: `names("runners")`."""
        return sorted(self._provided[kind])

    def check_job(self, id: str, runner: str, raw: str, options: Mapping[str, Any]) -> None:
        """Refuse a job whose policy is unknown, or whose payload its runner's schema or a plugin refuses.

        A runner that is not installed here checks nothing. Raises UserError.
        """
        if options.get("policy") is not None:
            self.policy(str(options["policy"]))
        self.validate(self.job(id, runner, raw, options))

    def validate(self, job: Job) -> None:
        """Refuse a job whose payload its runner's schema or a plugin refuses. Raises UserError."""
        if job.runner in self._provided["runners"]:
            check_payload(self.runner(job.runner), job.payload)
        self.manager.hook.jobs_validate(job=job)

    def job(self, id: str, runner: str, raw: str, options: Mapping[str, Any]) -> Job:
        """A job as validation sees it, its payload read as its runner wants it."""
        known = self._provided["runners"].get(runner)
        return Job(id, runner, parse_payload(raw, known[0][1].short if known else None), dict(options))

    def add_commands(self, cli: click.Group) -> None:
        """Let each plugin add subcommands; a name that one takes from another, or from us, is given back."""
        owners = dict.fromkeys(cli.commands, "jobs itself")
        for name, function in self._each("jobs_commands"):
            before = dict(cli.commands)
            try:
                function(cli=cli)
            except Exception as error:
                _break(self._info(name), error)
            for taken in [key for key, command in before.items() if cli.commands.get(key) is not command]:
                cli.commands[taken] = before[taken]
                theft = PluginError(f"it replaces the command {taken!r} of {owners[taken]}")
                _break(self._info(name), theft)
            owners |= dict.fromkeys(cli.commands.keys() - owners.keys(), f"the plugin {name!r}")

    def observe(self, hook: str, **arguments: Any) -> list[tuple[str, Exception]]:
        """Call every implementation of an observer by itself. Returns who raised, and what."""
        raised = []
        for name, function in self._each(hook):
            try:
                function(**arguments)
            except Exception as error:
                raised.append((name, error))
        return raised

    def raise_if_broken(self) -> None:
        """Raise PluginError for the first plugin that is broken."""
        for info in self.infos:
            if info.state == "broken":
                raise PluginError(f"the plugin {info.name!r} is broken: {info.reason}")

    def _add_entry(self, entry: EntryPoint, disabled: set[str]) -> None:
        info = PluginInfo(entry.name)
        if entry.dist is not None:
            info.distribution, info.version = entry.dist.name, entry.dist.version
        try:
            if entry.name in disabled:
                info.state, info.reason = "disabled", "JOBS_DISABLE_PLUGINS names it"
                self.infos.append(info)
                return
            plugin = _imported(entry, info)
        except (Exception, SystemExit) as error:
            _break(info, error)
            self.infos.append(info)
            return
        needs = getattr(plugin, "JOBS_API", hookspecs.API)
        if needs > hookspecs.API:
            info.state = "incompatible"
            info.reason = (
                f"it needs version {needs} of the hooks, and this is {hookspecs.API}: upgrade jobs-core"
            )
            self.infos.append(info)
            return
        self.add(entry.name, plugin, info)

    def _note_clashes(self) -> None:
        """Note what two plugins provide under one name: neither can be chosen."""
        for kind, provided in self._provided.items():
            for name, found in provided.items():
                for plugin, _ in found if len(found) > 1 else ():
                    others = " and ".join(repr(other) for other, _ in found if other != plugin)
                    self._info(plugin).notes.append(
                        f"the {WORDS[kind]} {name!r} is provided by {others} too: neither can be chosen"
                    )

    def _check_hooks(self, plugin: object) -> None:
        """Refuse a hook that does not exist: pluggy alone would never call it, and never say so."""
        known = [name for name in vars(hookspecs) if name.startswith("jobs_")]
        for hook in self.manager.get_hookcallers(plugin) or ():
            if not hook.has_spec():
                raise PluginError(f"there is no hook {hook.name!r}{nearest(hook.name, known)}")

    def _collect(self, plugin: object, kind: str) -> list[Any]:
        hook = getattr(self.manager.hook, f"jobs_{kind}")
        return [
            thing
            for implementation in hook.get_hookimpls()
            if implementation.plugin is plugin
            for thing in implementation.function() or ()
        ]

    def _each(self, hook: str) -> Iterator[tuple[str, Callable[..., Any]]]:
        """Each plugin's implementation of a hook, to be called with the arguments it names."""
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            yield implementation.plugin_name, _with_named(implementation)

    def _choose(self, kind: str, word: str, name: str) -> Any:
        found = self._provided[kind].get(name, [])
        if len(found) > 1:
            providers = " and ".join(plugin for plugin, _ in found)
            raise PluginError(
                f"the {word} {name!r} is provided by both {providers}: "
                "uninstall one, or name it in JOBS_DISABLE_PLUGINS"
            )
        if not found:
            known = self.names(kind)
            hint = nearest(name, known) or f": this machine has {', '.join(known) or 'none'}"
            install = f"; `pip install jobs-{name}` may bring it" if kind == "runners" else ""
            raise RunnerError(f"there is no {word} {name!r}{hint}{install}", option=word)
        return found[0][1]

    def _all(self, kind: str) -> list[Any]:
        return [found[0][1] for _, found in sorted(self._provided[kind].items()) if len(found) == 1]

    def _info(self, name: str) -> PluginInfo:
        return next(info for info in self.infos if info.name == name)


_importing = threading.Lock()  # standard output is one for all threads


def _imported(entry: EntryPoint, info: PluginInfo) -> Any:
    """Import a plugin, and note what would disturb others: the time it takes, and what it prints."""
    printed = io.StringIO()
    started = time.monotonic()
    try:
        with _importing, redirect_stdout(printed):  # standard output is for what a command prints
            return entry.load()
    finally:
        info.seconds = round(time.monotonic() - started, 3)
        if info.seconds > SLOW:
            info.notes.append(f"its import takes {info.seconds:.1f} s, for which every command waits")
        if printed.getvalue():
            info.notes.append("it writes to standard output when it is imported")
            sys.stderr.write(printed.getvalue())


def _with_named(implementation: Any) -> Callable[..., Any]:
    names = implementation.argnames
    return lambda **arguments: implementation.function(*(arguments[name] for name in names))


def _break(info: PluginInfo, error: BaseException) -> None:
    info.state = "broken"
    info.reason = str(error) if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"
