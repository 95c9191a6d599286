"""Read plugin settings from the environment, `jobs.toml` or their defaults."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs_core.contract import Setting
from jobs_core.errors import OptionError
from jobs_core.options import nearest

FILE = "jobs.toml"
TABLE = "settings"


@dataclass(frozen=True, slots=True)
class Value:
    """A setting's current value and its source: `default`, an environment variable or a file."""

    name: str
    value: Any
    source: str
    plugin: str
    summary: str = ""
    secret: bool = False


def config_file() -> Path | None:
    """Return the path of the settings file, or None.

    It is JOBS_CONFIG, else `jobs.toml` in the current directory, else in the user's configuration directory.

    Raises OptionError if JOBS_CONFIG names a file that does not exist.
    """
    named = os.environ.get("JOBS_CONFIG")
    if named:
        if not Path(named).is_file():
            raise OptionError(f"JOBS_CONFIG: there is no file {named!r}")
        return Path(named)
    from platformdirs import user_config_path

    return next((path for path in (Path(FILE), user_config_path("jobs") / FILE) if path.is_file()), None)


def read(declared: Iterable[tuple[str, Setting]]) -> list[Value]:
    """Return the value of every declared setting, given as pairs of plugin name and setting.

    Raises OptionError for a value of the wrong type, or a misspelled name in the file.
    """
    settings = {setting.name: (plugin, setting) for plugin, setting in declared}
    path = config_file()
    written = {} if path is None else _table(path)
    for name in written.keys() - settings.keys():
        if hint := nearest(name, settings):
            raise OptionError(f"{path}: there is no setting {name!r}{hint}")
    return [_value(plugin, setting, path, written) for plugin, setting in settings.values()]


def current(setting: Setting) -> tuple[Any, str]:
    """Return the value of one setting, and where it is set: its variable, its line of the file, or its name.

    Raises OptionError for a value of the wrong type.
    """
    path = config_file()
    found = _value("", setting, path, {} if path is None else _table(path))
    named = found.source in ("default", f"JOBS_{setting.name.upper()}")
    return found.value, found.source if named else f"{found.source}: {setting.name}"


def _table(path: Path) -> Mapping[str, Any]:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise OptionError(f"{path}: cannot read the file: {error}") from None
    table = content.get(TABLE, {})
    if not isinstance(table, Mapping):
        raise OptionError(f"{path}: expected [{TABLE}] to be a table")
    return table


def _value(plugin: str, setting: Setting, path: Path | None, written: Mapping[str, Any]) -> Value:
    variable = f"JOBS_{setting.name.upper()}"
    if variable in os.environ:
        value, source = _converted(os.environ[variable], setting, variable), variable
    elif setting.name in written:
        value, source = _converted(written[setting.name], setting, f"{path}: {setting.name}"), str(path)
    else:
        value, source = setting.default, "default"
    return Value(setting.name, value, source, plugin, setting.summary, setting.secret)


def _converted(value: Any, setting: Setting, where: str) -> Any:
    """Convert a value to the type of the default. A list may be a string with commas."""
    kind = type(setting.default) if setting.default is not None else str
    try:
        return CONVERT.get(kind, kind)(value)
    except (TypeError, ValueError):
        got = "" if setting.secret else f", got {value!r}"
        raise OptionError(f"{where}: expected {TYPE_NAMES.get(kind, kind.__name__)}{got}") from None


def _flag(value: Any) -> bool:
    word = str(value).lower()
    if word not in ("1", "true", "yes", "on", "0", "false", "no", "off"):
        raise ValueError(value)
    return word in ("1", "true", "yes", "on")


def _list(value: Any) -> list[str]:
    parts = value if isinstance(value, list) else str(value).split(",")
    return [str(part).strip() for part in parts if str(part).strip()]


def _text(value: Any) -> str:
    if isinstance(value, (dict, list)):
        raise TypeError(value)
    return str(value)


CONVERT: Mapping[type, Any] = {bool: _flag, list: _list, str: _text}
TYPE_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "text", list: "a list"}
