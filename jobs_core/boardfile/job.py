"""Read one job or one alert of a board file: its own options, inherited ones, and mistakes."""

from __future__ import annotations

from typing import Any

from jobs_core.alerts.options import ALERT_OPTIONS
from jobs_core.boardfile.inherit import inherit
from jobs_core.boardfile.model import Declared, Kind
from jobs_core.boardfile.node import Node
from jobs_core.boardfile.options import Found, OptionReader
from jobs_core.boardfile.scope import Scope
from jobs_core.options import JOB_OPTIONS, STATE
from jobs_core.values import nearest

OPTIONS = {name: option for name, option in JOB_OPTIONS.items() if option not in STATE or name == "paused"}
"""The options that a file may set for jobs: all but the state of a job."""


class JobReader(OptionReader):
    """Reads jobs, alerts, and the options that jobs inherit."""

    def options(self, node: Node, *more: str) -> Found:
        """Read a mapping of options of jobs, which may also have `runner` and the keys in `more`."""
        return self.read_options(node, OPTIONS, "runner", *more)

    def job(self, name: Node, node: Node, scope: Scope) -> Declared | None:
        """Read a job. Returns None if it has no runner or no payload."""
        own = self.options(node, "payload", "group")
        group, group_where = own.pop("group", (None, node.where))
        if group is not None and group not in scope.groups:
            self._report(group_where, f"unknown group {group!r}{nearest(str(group), scope.groups)}")
        return self._declared("job", name, own, inherit(scope.inherited(group), own))

    def alert(self, name: Node, node: Node, scope: Scope) -> Declared | None:
        """Read an alert. Returns None if it has no runner or no payload.

        Defaults and groups are for jobs. An alert takes only the time zone of its quiet hours from them.
        """
        own = self.read_options(node, ALERT_OPTIONS, "runner", "payload")
        found = {option: value for option, value in own.items() if value[0] is not None}
        if "quiet" in found and "zone" not in own and "zone" in scope.defaults:
            found["zone"] = scope.defaults["zone"]
        return self._declared("alert", name, own, found)

    def _declared(self, kind: Kind, name: Node, own: Found, found: Found) -> Declared | None:
        values: dict[str, Any] = {option: value for option, (value, _) in found.items()}
        runner, payload = values.pop("runner", None), values.pop("payload", None)
        missing = [option for option, value in (("runner", runner), ("payload", payload)) if value is None]
        for option in missing:
            if option not in own:
                self._report(name.where, f"the {kind} {name.value!r} has no {option}")
        if missing:
            return None
        places = {option: where for option, (_, where) in found.items()}
        return Declared(
            str(name.value), str(runner), payload, values, name.where, places, self._variables, kind=kind
        )
