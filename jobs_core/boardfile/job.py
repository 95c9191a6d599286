"""Read one job of a board file: its own options, inherited ones, and mistakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jobs_core.boardfile.inherit import inherit
from jobs_core.boardfile.model import Declared, Where
from jobs_core.boardfile.node import Node
from jobs_core.boardfile.scope import Scope
from jobs_core.boardfile.variables import VariableError, expand, used_variables
from jobs_core.options import JOB_OPTIONS, LIST_KINDS, STATE
from jobs_core.values import nearest

SWITCH = {True: True, False: False, "true": True, "false": False, "1": True, "0": False}
"""The values of `paused`. Redis would take anything but 0 as true."""

OPTIONS = tuple(name for name, option in JOB_OPTIONS.items() if option not in STATE or name == "paused")
"""The options that a file may set: all but the state of a job."""

KEYS = ("runner", "payload", "group", *OPTIONS)


class JobReader:
    """Reads jobs and options.

    Args:
        environ: The variables that values may use.
        report: Called with the location and description of each mistake.
    """

    def __init__(self, environ: Mapping[str, str], report: Callable[[Where, str], None]) -> None:
        self._environ = environ
        self._report = report
        self._variables: dict[str, str] = {}

    def job(self, name: Node, node: Node, scope: Scope) -> Declared | None:
        """Read a job. Returns None if it has no runner or no payload."""
        own = self.options(node, "payload", "group")
        group, group_where = own.pop("group", (None, node.where))
        if group is not None and group not in scope.groups:
            self._report(group_where, f"unknown group {group!r}{nearest(str(group), scope.groups)}")
        found = inherit(scope.inherited(group), own)
        values = {option: value for option, (value, _) in found.items()}
        runner, payload = values.pop("runner", None), values.pop("payload", None)
        missing = [option for option, value in (("runner", runner), ("payload", payload)) if value is None]
        for option in missing:
            if option not in own:
                self._report(name.where, f"the job {name.value!r} has no {option}")
        if missing:
            return None
        places = {option: where for option, (_, where) in found.items()}
        return Declared(str(name.value), str(runner), payload, values, name.where, places, self._variables)

    def options(self, node: Node, *more: str) -> dict[str, tuple[Any, Where]]:
        """Read a mapping of options, which may also have `runner` and the keys in `more`."""
        known = ("runner", *more, *OPTIONS)
        found: dict[str, tuple[Any, Where]] = {}
        for key, value in node.pairs():
            name = str(key.value)
            if name not in known:
                self._report(key.where, f"unknown key {name!r}{nearest(name, known)}")
            elif name in found:
                self._report(key.where, f"duplicate key {name!r}")
            else:
                found[name] = (self._read(value, name), key.where)
        return found

    def text(self, node: Node, name: str, expected: str = "text") -> str | None:
        """Read a text or a number as text. `expected` describes the value in the mistake."""
        if isinstance(node.value, str) and node.kind == "scalar":
            return self._expand(node.value, node.where, name)
        if isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
            return str(node.value)
        self._report(node.where, f"{name}: expected {expected}")
        return None

    def _read(self, node: Node, name: str) -> Any:
        if name == "payload":
            return self._payload(node)
        if name == "runner":
            return self.text(node, name)
        if name in ("group", "like"):
            return self._name(node, name)
        if name == "label" and node.kind != "null":
            return self._labels(node)
        if node.is_list and node.value and JOB_OPTIONS[name].kind in LIST_KINDS:
            return [self._option(item, name) for item in node.value]
        return None if node.kind == "null" else self._option(node, name)  # null unsets what is inherited

    def _name(self, node: Node, name: str) -> str | None:
        """Read the name of a group. Variables in it are not expanded."""
        if node.kind == "scalar" and isinstance(node.value, (str, int, float)):
            return str(node.value)
        self._report(node.where, f"{name}: expected the name of a group")
        return None

    def _option(self, node: Node, name: str) -> Any:
        if node.is_mapping or (node.is_list and node.value):
            self._report(node.where, f"{name}: expected {_expected(name)}")
        elif node.value is None or node.is_list:
            self._report(node.where, f"{name} has no value; set one, or write null to unset a default")
        elif name == "paused":
            return self._switch(node)
        elif isinstance(node.value, bool):
            self._report(node.where, f"{name}: unexpected true or false; quote it if it is text")
        elif isinstance(node.value, str):
            return self._expand(node.value, node.where, name)
        else:
            return node.value
        return None

    def _labels(self, node: Node) -> dict[str, Any] | None:
        """Read labels: a mapping, a list of name=value, or text. The value None unsets an inherited label."""
        found: dict[str, Any] = {}
        if node.is_mapping:
            for key, value in node.pairs():
                if key.value in found:
                    self._report(key.where, f"duplicate key {key.value!r}")
                found[str(key.value)] = None if value.kind == "null" else self._option(value, "label")
            return found
        for item in node.value if node.is_list else [node]:
            text = self._option(item, "label")
            for label in str(text).split(",") if text is not None else ():
                word, mark, text_value = label.partition("=")
                if not mark:
                    self._report(
                        item.where, f"label: expected name=value, such as team=payments, got {label!r}"
                    )
                elif found.setdefault(word, text_value) != text_value:
                    self._report(item.where, f"label: expected one value for {word!r}, got two")
        return found

    def _switch(self, node: Node) -> bool | None:
        """Read true or false."""
        text = isinstance(node.value, str)
        value = self._expand(node.value, node.where, "paused") if text else node.value
        if value in SWITCH:
            return SWITCH[value]
        if value is not None:
            self._report(node.where, "paused: expected true or false")
        return None

    def _payload(self, node: Node) -> Any:
        """Read a payload: text, or a mapping of any values."""
        if node.is_mapping:
            return self._any_value(node)
        return self.text(node, "payload", "text or a mapping")

    def _any_value(self, node: Node) -> Any:
        """Read any value, and expand the variables in its texts."""
        if node.is_mapping:
            found: dict[str, Any] = {}
            for key, value in node.pairs():
                if key.value in found:
                    self._report(key.where, f"duplicate key {key.value!r}")
                found[str(key.value)] = self._any_value(value)
            return found
        if node.is_list:
            return [self._any_value(item) for item in node.value]
        return self._expand(node.value, node.where, "payload") if isinstance(node.value, str) else node.value

    def _expand(self, text: str, where: Where, name: str) -> str | None:
        if "$" not in text:
            return text
        self._variables |= used_variables(text, self._environ)
        try:
            return expand(text, self._environ)
        except VariableError as error:
            self._report(where, f"{name}: {error}")
            return None


def _expected(name: str) -> str:
    return "a value or a list of values" if JOB_OPTIONS[name].kind in LIST_KINDS else "a value"
