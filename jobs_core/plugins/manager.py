"""Find plugins, isolate their failures, and look up what they provide by name."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

from jobs_core.contract import Check, Logger, Policy, Runner, WorkerInfo
from jobs_core.errors import JobsError, OptionError, PluginError, RunnerError
from jobs_core.plugins import hookspecs, settings
from jobs_core.plugins.alert_payloads import check_own_alerts
from jobs_core.plugins.builtin import hooks as builtin
from jobs_core.plugins.hook_manager import HookManager
from jobs_core.plugins.installed import Installed, installed
from jobs_core.plugins.notices import warn_once
from jobs_core.plugins.payloads import check_depth, check_payload
from jobs_core.plugins.settings import Settings, Value
from jobs_core.text import shorten
from jobs_core.types import Job, parse_payload
from jobs_core.values import nearest

if TYPE_CHECKING:
    import click

SINGULAR = {
    "runners": "runner",
    "policies": "policy",
    "loggers": "logger",
    "checks": "check",
    "settings": "setting",
}
KINDS = tuple(SINGULAR)

LONGEST_NAME = 80
"""Characters of an unknown name that an error shows."""

SLOW = 0.5
"""Seconds after which `jobs plugins` reports a slow import: every command waits for it."""


@dataclass(slots=True)
class PluginInfo:
    """A plugin as `jobs plugins` shows it. `state` is `ok`, `broken`, `incompatible` or `disabled`.

    `notes` lists problems that its author should fix although it works. `seconds` is its import time.
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
    """The plugins of this process, found by `Plugins.load()`. A broken plugin does not affect the others."""

    def __init__(self) -> None:
        self.manager = HookManager(hookspecs.PROJECT)
        self.manager.add_hookspecs(hookspecs)
        self.infos: list[PluginInfo] = []
        self._provided: dict[str, dict[str, list[tuple[str, Any]]]] = {kind: {} for kind in KINDS}
        self._is_complete = False
        self._unknown: list[str] = []
        self._changes: dict[str, Any] = {}
        self.add("builtin", builtin)

    @classmethod
    def load(cls) -> Plugins:
        """Load the plugins of the entry-point group `jobs`.

        JOBS_DISABLE_PLUGINS excludes plugins by name, separated by commas. With JOBS_STRICT_PLUGINS=1, a
        broken plugin raises PluginError.
        """
        plugins = cls()
        disabled = {name.strip() for name in os.environ.get("JOBS_DISABLE_PLUGINS", "").split(",")} - {""}
        found = installed()
        for one in found:
            plugins._add_installed(one, disabled)
        plugins._is_complete = True
        names = {one.entry.name for one in found}
        plugins._unknown = [
            f"JOBS_DISABLE_PLUGINS: there is no plugin {name!r}{nearest(name, names)}"
            for name in sorted(disabled - names)
        ]
        plugins._note_conflicts()
        if os.environ.get("JOBS_STRICT_PLUGINS") == "1":
            plugins.raise_if_broken()
        return plugins

    def add(self, name: str, plugin: object, info: PluginInfo | None = None) -> PluginInfo:
        """Register a plugin object: check its hooks and collect what it provides."""
        info = info or PluginInfo(name)
        self.infos.append(info)
        try:
            self.manager.register(plugin, name)
            self._check_hooks(plugin)
            provided = {kind: self._collect(plugin, kind) for kind in KINDS}
        except Exception as error:
            _mark_broken(info, error)
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
        """Return a runner by name. Raises RunnerError if no plugin provides it, PluginError if several do."""
        found: Runner = self._choose("runners", "runner", name)
        return found

    def runners(self) -> list[Runner]:
        """Return every usable runner, sorted by name."""
        return self._all("runners")

    def policy(self, name: str) -> Policy:
        """Return a policy by name. Raises like `runner`."""
        found: Policy = self._choose("policies", "policy", name)
        return found

    def logger(self, name: str) -> Logger:
        """Return a logger by name. Raises like `runner`."""
        found: Logger = self._choose("loggers", "logger", name)
        return found

    def observers(self, worker: WorkerInfo) -> list[Logger]:
        """Return the loggers that plugins add to a worker. Raises PluginError if a plugin fails."""
        found: list[Logger] = []
        for name, function in self.implementations("jobs_observers"):
            try:
                found += function(worker=worker) or ()
            except JobsError:
                raise
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                raise PluginError(f"the plugin {name!r} raised in jobs_observers: {reason}") from error
        return found

    def checks(self) -> list[Check]:
        """Return every check of `jobs doctor`, sorted by name."""
        return self._all("checks")

    def settings(self) -> dict[str, Any]:
        """Return the values of all declared settings, by name. Raises OptionError for an invalid one."""
        return {found.name: found.value for found in self.setting_values()}

    def setting_values(self) -> list[Value]:
        """Return every declared setting with its value and source. Raises OptionError.

        Warns once, on standard error, about names that have no effect and a file that was picked up.
        """
        self.warn_of_settings()
        values = self._read_settings().values
        return [replace(value, value=self._changes.get(value.name, value.value)) for value in values]

    def warn_of_settings(self) -> None:
        """Warn once, on standard error, about settings and names of plugins that have no effect.

        Raises OptionError if the file cannot be read.
        """
        warn_once(self.setting_problems())

    @contextmanager
    def changed_settings(self, changes: Mapping[str, Any]) -> Iterator[None]:
        """Change settings during the `with` block. Raises OptionError if no plugin declares one of them."""
        for name in sorted(changes.keys() - self._provided["settings"].keys()):
            plugin = settings.distribution_of(name)
            raise OptionError(f"no plugin here has the setting {name!r}: install {plugin}, or enable it")
        before, self._changes = self._changes, {**self._changes, **changes}
        try:
            yield
        finally:
            self._changes = before

    def setting_problems(self) -> list[str]:
        """Return settings, and names of plugins to disable, that have no effect. Raises OptionError."""
        declared = {name for name, found in self._provided["settings"].items() if len(found) == 1}
        return [*self._unknown, *settings.problems(declared, self._absent)]

    @property
    def _absent(self) -> list[str] | None:
        """The names of plugins that do not work. None if not all plugins were looked for."""
        return [info.name for info in self.infos if info.state != "ok"] if self._is_complete else None

    def _read_settings(self) -> Settings:
        chosen = sorted(self._provided["settings"].items())
        return settings.read((found[0] for _, found in chosen if len(found) == 1), self._absent)

    def names(self, kind: str) -> list[str]:
        """Return the names of a kind that plugins provide: `names("runners")`."""
        return sorted(self._provided[kind])

    def check_job(self, id: str, runner: str, raw: str, options: Mapping[str, Any]) -> None:
        """Check a job: its policy must exist, and its payload must pass the runner's schema and the plugins.

        The payload of a runner that is not installed here is not checked. Raises UserError.
        """
        check_depth(raw)
        if options.get("policy") is not None:
            self.policy(str(options["policy"]))
        self.validate(self.job(id, runner, raw, options))
        check_own_alerts(self, options)

    def validate(self, job: Job) -> None:
        """Check a job's payload against its runner's schema and the plugins. Raises UserError."""
        if job.runner in self._provided["runners"]:
            check_payload(self.runner(job.runner), job.payload)
        self.manager.hook.jobs_validate(job=job)

    def warner(self) -> Callable[[Job], list[str]]:
        """Return a function that says what plugins find odd about a valid job, with the settings of now."""
        try:
            values = {found.name: found.value for found in self._read_settings().values}
        except OptionError as error:
            sentence = str(error)
            return lambda job: [sentence]

        def warn(job: Job) -> list[str]:
            found: list[str] = []
            for name, function in self.implementations("jobs_warnings"):
                try:
                    found += function(job=job, settings=values) or ()
                except Exception as error:
                    found.append(f"the plugin {name!r} raised in jobs_warnings: {type(error).__name__}")
            return found

        return warn

    def advice(self, job: Job) -> list[tuple[str, str]]:
        """Return what plugins find odd about a valid job for `jobs lint`, each with what to write instead."""
        found: list[tuple[str, str]] = []
        for name, function in self.implementations("jobs_lint"):
            try:
                found += function(job=job) or ()
            except Exception as error:
                what = f"makes the plugin {name!r} raise {type(error).__name__} in jobs_lint"
                found.append((what, "report it to the author of the plugin"))
        return found

    def job(self, id: str, runner: str, raw: str, options: Mapping[str, Any]) -> Job:
        """Return a job as validation sees it, with its payload parsed for its runner."""
        known = self._provided["runners"].get(runner)
        return Job(id, runner, parse_payload(raw, known[0][1].short if known else None), dict(options))

    def add_commands(self, cli: click.Group) -> None:
        """Let each plugin add subcommands. A command that a plugin replaces is restored."""
        owners = dict.fromkeys(cli.commands, "Jobs")
        for name, function in self.implementations("jobs_commands"):
            before = dict(cli.commands)
            try:
                function(cli=cli)
            except Exception as error:
                _mark_broken(self._info(name), error)
            for replaced in [key for key, command in before.items() if cli.commands.get(key) is not command]:
                cli.commands[replaced] = before[replaced]
                owner = owners[replaced]
                conflict = PluginError(f"the command {replaced!r} belongs to {owner}: rename it")
                _mark_broken(self._info(name), conflict)
            owners |= dict.fromkeys(cli.commands.keys() - owners.keys(), f"the plugin {name!r}")

    def observe(self, hook: str, **arguments: Any) -> list[tuple[str, Exception]]:
        """Call every implementation of an observer hook. Returns plugins that raised, with exceptions."""
        raised = []
        for name, function in self.implementations(hook):
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

    def _add_installed(self, found: Installed, disabled: set[str]) -> None:
        entry = found.entry
        info = PluginInfo(entry.name, found.distribution, found.version)
        try:
            if entry.name in disabled:
                info.state, info.reason = "disabled", "listed in JOBS_DISABLE_PLUGINS"
                self.infos.append(info)
                return
            plugin = _import(entry, info)
        except (Exception, SystemExit) as error:
            _mark_broken(info, error)
            self.infos.append(info)
            return
        needs = getattr(plugin, "JOBS_API", hookspecs.API)
        if needs > hookspecs.API:
            info.state = "incompatible"
            info.reason = (
                f"it requires hooks version {needs}, but this is version {hookspecs.API}: upgrade jobs-core"
            )
            self.infos.append(info)
            return
        self.add(entry.name, plugin, info)

    def _note_conflicts(self) -> None:
        """Add a note to plugins that provide the same name: none of them can be used."""
        for kind, provided in self._provided.items():
            for name, found in provided.items():
                for plugin, _ in found if len(found) > 1 else ():
                    others = " and ".join(repr(other) for other, _ in found if other != plugin)
                    self._info(plugin).notes.append(
                        f"the {SINGULAR[kind]} {name!r} is also provided by {others}: disable one"
                    )

    def _check_hooks(self, plugin: object) -> None:
        """Raise PluginError for an unknown hook. pluggy alone would silently ignore it."""
        known = [name for name in vars(hookspecs) if name.startswith("jobs_")]
        for hook in self.manager.get_hookcallers(plugin) or ():
            if not hook.has_spec():
                raise PluginError(f"unknown hook {hook.name!r}{nearest(hook.name, known)}")

    def _collect(self, plugin: object, kind: str) -> list[Any]:
        hook = getattr(self.manager.hook, f"jobs_{kind}")
        return [
            thing
            for implementation in hook.get_hookimpls()
            if implementation.plugin is plugin
            for thing in implementation.function() or ()
        ]

    def implementations(self, hook: str) -> Iterator[tuple[str, Callable[..., Any]]]:
        """Yield each plugin's name and implementation of a hook, which takes the arguments by name."""
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            yield implementation.plugin_name, _by_name(implementation)

    def _choose(self, kind: str, word: str, name: str) -> Any:
        found = self._provided[kind].get(name, [])
        if len(found) > 1:
            providers = " and ".join(plugin for plugin, _ in found)
            raise PluginError(
                f"the {word} {name!r} is provided by both {providers}: "
                "uninstall one, or list it in JOBS_DISABLE_PLUGINS"
            )
        if not found:
            known = self.names(kind)
            name = shorten(name, LONGEST_NAME)
            hint = nearest(name, known) or f" (available: {', '.join(known) or 'none'})"
            if kind == "runners" and not nearest(name, known):
                hint += f". If a plugin provides it, install the plugin: `pip install jobs-{name}`"
            raise RunnerError(f"there is no {word} {name!r}{hint}", option=word)
        return found[0][1]

    def _all(self, kind: str) -> list[Any]:
        return [found[0][1] for _, found in sorted(self._provided[kind].items()) if len(found) == 1]

    def _info(self, name: str) -> PluginInfo:
        return next(info for info in self.infos if info.name == name)


_importing = threading.Lock()  # all threads share standard output


def _import(entry: EntryPoint, info: PluginInfo) -> Any:
    """Import a plugin, and note if it is slow or prints to standard output."""
    printed = io.StringIO()
    started = time.monotonic()
    try:
        with _importing, redirect_stdout(printed):  # keep standard output for the command
            return entry.load()
    finally:
        info.seconds = round(time.monotonic() - started, 3)
        if info.seconds > SLOW:
            info.notes.append(f"its import takes {info.seconds:.1f} s and delays every command")
        if printed.getvalue():
            info.notes.append("it prints to standard output on import")
            sys.stderr.write(printed.getvalue())


def _by_name(implementation: Any) -> Callable[..., Any]:
    names = implementation.argnames
    return lambda **arguments: implementation.function(*(arguments[name] for name in names))


def _mark_broken(info: PluginInfo, error: BaseException) -> None:
    info.state = "broken"
    info.reason = str(error) if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"
