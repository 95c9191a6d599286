"""Read the options of jobs and alerts in a board file, by their table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jobs_core.boardfile.model import Where
from jobs_core.boardfile.node import Node
from jobs_core.boardfile.variables import VariableError, expand, used_variables
from jobs_core.engine.calls import as_raw
from jobs_core.options import LIST_KINDS, Option
from jobs_core.values import nearest

Found = dict[str, tuple[Any, Where]]
"""Values by the names of options, each with its location."""

SWITCH = {True: True, False: False, "true": True, "false": False, "1": True, "0": False}
"""The values of `paused`. Redis would take anything but 0 as true."""

FLAG = {**SWITCH, "yes": True, "no": False}
"""The values of flags, which Redis calls yes and no."""

CALL = ("runner", "payload")
"""The keys of a runner and what it gets."""


class OptionReader:
    """Reads options and their values.

    Args:
        environ: The variables that values may use.
        report: Called with the location and description of each mistake.
    """

    def __init__(self, environ: Mapping[str, str], report: Callable[[Where, str], None]) -> None:
        self._environ = environ
        self._report = report
        self._variables: dict[str, str] = {}

    def read_options(self, node: Node, table: Mapping[str, Option], *more: str) -> Found:
        """Read a mapping of the options of a table, which may also have the keys in `more`."""
        known = (*more, *table)
        found: Found = {}
        for key, value in node.pairs():
            name = str(key.value)
            if name not in known:
                self._report(key.where, f"unknown key {name!r}{nearest(name, known)}")
            elif name in found:
                self._report(key.where, f"duplicate key {name!r}")
            else:
                read = self._option(value, table[name]) if name in table else self._key(value, name)
                found[name] = (read, key.where)
        return found

    def text(self, node: Node, name: str, expected: str = "text") -> str | None:
        """Read a text or a number as text. `expected` describes the value in the mistake."""
        if isinstance(node.value, str) and node.kind == "scalar":
            return self._expand(node.value, node.where, name)
        if isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
            return str(node.value)
        self._report(node.where, f"{name}: expected {expected}")
        return None

    def _key(self, node: Node, name: str) -> Any:
        """Read a key that is no option: runner, payload, group or like."""
        if name == "payload":
            return self._payload(node)
        if name == "runner":
            return self.text(node, name)
        # Variables in the name of a group are not expanded.
        if node.kind == "scalar" and isinstance(node.value, (str, int, float)):
            return str(node.value)
        self._report(node.where, f"{name}: expected the name of a group")
        return None

    def _option(self, node: Node, option: Option) -> Any:
        if node.kind == "null":
            return None  # it unsets what is inherited
        if option.kind == "labels":
            return self._labels(node, option)
        if option.kind == "call" and node.is_mapping:
            return self._call(node, option.name)
        if node.is_list and node.value and option.kind in LIST_KINDS:
            return [self._value(item, option) for item in node.value]
        return self._value(node, option)

    def _value(self, node: Node, option: Option) -> Any:
        name = option.name
        if node.is_mapping or (node.is_list and node.value):
            self._report(node.where, f"{name}: expected {_expected(option)}")
        elif node.value is None or node.is_list:
            self._report(node.where, f"{name} has no value; set one, or write null to unset a default")
        elif name == "paused":
            return self._switch(node, name, SWITCH)
        elif option.kind == "flag":
            return self._switch(node, name, FLAG)
        elif isinstance(node.value, bool):
            self._report(node.where, f"{name}: unexpected true or false; quote it if it is text")
        elif isinstance(node.value, str):
            return self._expand(node.value, node.where, name)
        else:
            return node.value
        return None

    def _labels(self, node: Node, option: Option) -> dict[str, Any]:
        """Read labels: a mapping, a list of name=value, or text. The value None unsets an inherited label."""
        found: dict[str, Any] = {}
        if node.is_mapping:
            for key, value in node.pairs():
                if key.value in found:
                    self._report(key.where, f"duplicate key {key.value!r}")
                found[str(key.value)] = None if value.kind == "null" else self._value(value, option)
            return found
        for item in node.value if node.is_list else [node]:
            text = self._value(item, option)
            for label in str(text).split(",") if text is not None else ():
                word, mark, text_value = label.partition("=")
                if not mark:
                    self._report(
                        item.where, f"label: expected name=value, such as team=payments, got {label!r}"
                    )
                elif found.setdefault(word, text_value) != text_value:
                    self._report(item.where, f"label: expected one value for {word!r}, got two")
        return found

    def _call(self, node: Node, name: str) -> str | None:
        """Read a mapping of a runner and its payload, as the text that the option takes: `notify ops`."""
        found = {key: value for key, (value, _) in self.read_options(node, {}, *CALL).items()}
        if found.keys() != set(CALL):
            self._report(node.where, f"{name}: expected a runner and a payload")
            return None
        runner, payload = (found[key] for key in CALL)
        if runner is None or payload is None:
            return None
        if runner.split() != [runner]:
            self._report(node.where, f"{name}: expected the name of a runner, got {runner!r}")
            return None
        return f"{runner} {as_raw(payload)}"

    def _switch(self, node: Node, name: str, values: Mapping[Any, bool]) -> bool | None:
        """Read true or false."""
        text = isinstance(node.value, str)
        value = self._expand(node.value, node.where, name) if text else node.value
        if value in values:
            return values[value]
        if value is not None:
            self._report(node.where, f"{name}: expected true or false")
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


def _expected(option: Option) -> str:
    return "a value or a list of values" if option.kind in LIST_KINDS else "a value"
