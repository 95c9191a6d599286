"""Make the commands that put jobs and push tasks, after checking plugins and time zones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from jobs_core.alerts.own import own_alerts
from jobs_core.cron.forms import zone_of
from jobs_core.engine import alerts, zones
from jobs_core.engine.calls import as_raw
from jobs_core.engine.commands import Call, Commands
from jobs_core.errors import OptionError, RunnerError, naming
from jobs_core.options import JOB_OPTIONS, PUSH_OPTIONS, to_changes, to_pairs
from jobs_core.plugins.alert_payloads import check_alert
from jobs_core.plugins.manager import Plugins
from jobs_core.types import Payload
from jobs_core.values import nearest, require_text


class CheckedCalls:
    """Makes JSET, JSETNX, JEDIT and JPUSH calls for jobs and tasks that plugins accept.

    Args:
        commands: The commands of the board.
        plugins: Returns the plugins. Called on first use.
        validate: False to check only the options, not the runner, policy and payload.
    """

    def __init__(self, commands: Commands, plugins: Callable[[], Plugins], *, validate: bool) -> None:
        self._commands = commands
        self._plugins = plugins
        self._validate = validate
        self._has_zones = False
        self._served: set[str] = set()

    def unchecked(self) -> CheckedCalls:
        """Return the same for jobs that plugins have accepted before."""
        return CheckedCalls(self._commands, self._plugins, validate=False)

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
        """Return the command that puts a job, after plugins have checked it. Raises what `put` raises.

        `is_own` means that the caller provides the runner, so that no plugin needs to know it.
        """
        require_text("id", id)
        require_text("runner", runner)
        raw = as_raw(payload)
        pairs = to_pairs(options)
        self.check_zone(options)
        self._check(id, runner, raw, options, is_own=is_own)
        return name, (id, runner, raw, *pairs)

    def edit(
        self,
        job: Mapping[str, Any],
        runner: str | None,
        payload: Payload | None,
        options: Mapping[str, Any],
        unset: Iterable[str],
    ) -> Call:
        """Return the command that changes a job, after plugins have checked what it becomes.

        `job` is the job as `show` returns it.
        """
        if runner is not None:
            require_text("runner", runner)
        raw = None if payload is None else as_raw(payload)
        changes = to_changes({**options, "runner": runner, "payload": raw}, unset)
        self.check_zone(options)
        given = {name: value for name, value in options.items() if value is not None}
        kept = {name: job[name] for name in job if name in JOB_OPTIONS and name not in unset}
        self._check(
            job["id"], runner or job["runner"], raw if raw is not None else job["payload"], kept | given
        )
        return "JEDIT", (job["id"], *changes)

    def push(self, target: str, payload: Payload | None, options: Mapping[str, Any]) -> Call:
        """Return the command that pushes a task or a job, after plugins have checked it."""
        require_text("runner" if payload is not None else "id", target)
        pairs = to_pairs(options, PUSH_OPTIONS)
        if payload is None:
            return "JPUSH", (target, *pairs)
        raw = as_raw(payload)
        self._check("push", target, raw, options)
        return "JPUSH", (target, raw, *pairs)

    def alert(self, name: str, runner: str, payload: Payload, options: Mapping[str, Any]) -> Call:
        """Return the command that puts an alert, after plugins have checked its tasks."""
        require_text("alert", name)
        require_text("runner", runner)
        call = alerts.put_call(name, runner, payload, options)
        if options.get("zone") is not None:
            self._require_zone(str(options["zone"]))
        raw = as_raw(payload)
        self._check(f"alert:{name}", runner, raw, {})
        if self._validate:
            check_alert(self._plugins(), runner, raw)
        return call

    def alert_words(self, alert: Mapping[str, Any]) -> tuple[str, Sequence[Any]]:
        """Return the name of an alert, and its runner, payload and options, as JALERT takes them."""
        _, (_, name, *words) = self.alert(**alerts.alert_parts(alert))
        return name, words

    def staged_alert(self, alert: Mapping[str, Any]) -> Sequence[Any]:
        """Return an alert as it is staged: its id, runner, payload and options. See `engine.alerts`."""
        name, words = self.alert_words(alert)
        return (alerts.alert_id(name), *words)

    def check_zone(self, options: Mapping[str, Any]) -> None:
        """Load the board's time zones if needed. Raises OptionError for a misspelled zone."""
        zone = zone_of(options)
        if zone is not None:
            self._require_zone(zone)

    def _require_zone(self, zone: str) -> None:
        if not self._has_zones:
            zones.ensure(self._commands)
            self._has_zones = True
        if zone not in zones.names():
            # The board may have newer data that knows the zone. A misspelled name is more likely.
            hint = nearest(zone, zones.names())
            if hint:
                raise OptionError(f"zone: there is no time zone {zone!r}{hint}", option="zone")

    def _is_served(self, runner: str) -> bool:
        """Whether a worker has registered this runner on the board. Unknown ones are looked up each time."""
        if runner not in self._served:
            found = self._commands.each(lambda client, keys: client.hkeys(keys.runners))
            self._served = {str(name) for names in found for name in names}
        return runner in self._served

    def _check(
        self, id: str, runner: str, raw: str, options: Mapping[str, Any], *, is_own: bool = False
    ) -> None:
        if not self._validate:
            return
        if not is_own:
            self.require_runner(runner)
        for own in own_alerts(options):
            with naming(own.option):
                self.require_runner(own.runner)
        self._plugins().check_job(id, runner, raw, options)

    def require_runner(self, runner: str) -> None:
        """Raise RunnerError for a runner that no plugin here provides, and that no worker has served."""
        plugins = self._plugins()
        if runner in plugins.names("runners") or self._is_served(runner):
            return
        try:
            plugins.runner(runner)
        except RunnerError as error:
            board = self._commands.keys.board
            raise RunnerError(f"{error}; no worker on the board {board!r} has served it") from None
