"""One job of a board file: its options, with what it inherits, and the mistakes in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jobs_core.boardfile.model import Declared, Where
from jobs_core.boardfile.node import Node
from jobs_core.boardfile.scope import Scope
from jobs_core.boardfile.variables import VariableError, expand, used
from jobs_core.options import JOB_OPTIONS, STATE, nearest

SWITCH = {True: True, False: False, "true": True, "false": False, "1": True, "0": False}
"""What `paused` may say: in Redis, anything but 0 would pause a job."""

OPTIONS = tuple(name for name, option in JOB_OPTIONS.items() if option not in STATE or name == "paused")
"""The options that a file may say: all but where a job stands."""

KEYS = ("runner", "payload", "group", *OPTIONS)


class JobReader:
    """Reads jobs and options, and tells of mistakes: `tell(where, sentence)`."""

    def __init__(self, environ: Mapping[str, str], tell: Callable[[Where, str], None]) -> None:
        self._environ = environ
        self._tell = tell
        self._variables: dict[str, str] = {}

    def job(self, name: Node, node: Node, scope: Scope) -> Declared | None:
        """Read a job; None when it lacks what every job needs."""
        own = self.options(node, "payload", "group")
        group, at = own.pop("group", (None, node.where))
        if group is not None and group not in scope.groups:
            self._tell(at, f"there is no group {group!r}{nearest(str(group), scope.groups)}")
        found = scope.inherited(group) | own
        values = {option: value for option, (value, _) in found.items()}
        runner, payload = values.pop("runner", None), values.pop("payload", None)
        missing = [word for word, value in (("runner", runner), ("payload", payload)) if value is None]
        for word in missing:
            if word not in own:
                self._tell(name.where, f"the job {name.value!r} has no {word}")
        if missing:
            return None
        places = {option: where for option, (_, where) in found.items()}
        return Declared(str(name.value), str(runner), payload, values, name.where, places, self._variables)

    def options(self, node: Node, *more: str) -> dict[str, tuple[Any, Where]]:
        """Read a mapping of options, with `runner` and the keys that `more` names."""
        known = ("runner", *more, *OPTIONS)
        found: dict[str, tuple[Any, Where]] = {}
        for key, value in node.pairs():
            name = str(key.value)
            if name not in known:
                self._tell(key.where, f"there is no key {name!r}{nearest(name, known)}")
            elif name in found:
                self._tell(key.where, f"{name} stands here twice")
            else:
                found[name] = (self._read(value, name), key.where)
        return found

    def text(self, node: Node, name: str) -> str | None:
        """Read a value that is to be text."""
        if isinstance(node.value, str) and node.kind == "scalar":
            return self._expanded(node.value, node.where, name)
        if isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
            return str(node.value)
        self._tell(node.where, f"{name} is to be text")
        return None

    def _read(self, node: Node, name: str) -> Any:
        if name == "payload":
            return self._payload(node)
        if name == "runner":
            return self.text(node, name)
        if name in ("group", "like"):
            return self._name(node, name)
        if node.is_list and node.value:
            return [self._option(item, name) for item in node.value]
        return self._option(node, name)

    def _name(self, node: Node, name: str) -> str | None:
        """Read the name of a group, which stands as it is written."""
        if node.kind == "scalar" and isinstance(node.value, (str, int, float)):
            return str(node.value)
        self._tell(node.where, f"{name} is to be the name of a group")
        return None

    def _option(self, node: Node, name: str) -> Any:
        if node.is_mapping or (node.is_list and node.value):
            self._tell(node.where, f"{name} is to be one value, or a list of values")
        elif node.value is None or node.is_list:
            self._tell(node.where, f"{name} has no value: give it one, or leave it out")
        elif name == "paused":
            return self._switch(node)
        elif isinstance(node.value, bool):
            self._tell(node.where, f"{name} is no matter of true or false: quote it, if it is a word")
        elif isinstance(node.value, str):
            return self._expanded(node.value, node.where, name)
        else:
            return node.value
        return None

    def _switch(self, node: Node) -> bool | None:
        """Read true or false."""
        text = isinstance(node.value, str)
        value = self._expanded(node.value, node.where, "paused") if text else node.value
        if value in SWITCH:
            return SWITCH[value]
        if value is not None:
            self._tell(node.where, "paused is to be true or false")
        return None

    def _payload(self, node: Node) -> Any:
        """A payload: text, or a mapping of anything."""
        if node.is_mapping:
            return self._deep(node)
        return self.text(node, "payload (unless it is a mapping)")

    def _deep(self, node: Node) -> Any:
        """Any value, with variables in its texts."""
        if node.is_mapping:
            found: dict[str, Any] = {}
            for key, value in node.pairs():
                if key.value in found:
                    self._tell(key.where, f"{key.value!r} stands here twice")
                found[str(key.value)] = self._deep(value)
            return found
        if node.is_list:
            return [self._deep(item) for item in node.value]
        return (
            self._expanded(node.value, node.where, "payload") if isinstance(node.value, str) else node.value
        )

    def _expanded(self, text: str, where: Where, name: str) -> str | None:
        if "$" not in text:
            return text
        self._variables |= used(text, self._environ)
        try:
            return expand(text, self._environ)
        except VariableError as error:
            self._tell(where, f"{name}: {error}")
            return None
