"""Read plugin settings from the environment, `jobs.toml` or their defaults."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobs_core.contract import Setting
from jobs_core.errors import OptionError
from jobs_core.plugins.config import Config, read_config
from jobs_core.values import nearest

ELSEWHERE = {"ping": "http"}
"""The plugins of settings whose names do not begin with theirs."""


@dataclass(frozen=True, slots=True)
class Value:
    """A setting's current value and its source: `default`, an environment variable or a file."""

    name: str
    value: Any
    source: str
    plugin: str
    summary: str = ""
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """The value of every declared setting. `problems` says what is written in the file and has no effect."""

    values: list[Value]
    problems: list[str]


def read(declared: Iterable[tuple[str, Setting]], absent: Collection[str] | None = ()) -> Settings:
    """Return the value of every declared setting, given as pairs of plugin name and setting.

    Args:
        declared: The settings of the plugins that work.
        absent: The names of plugins that are installed and do not work. Their settings begin with the name.
            None if other plugins were not looked for: then unknown names are no problem.

    Raises:
        OptionError: A value has the wrong type, or the file cannot be read.
    """
    settings = {setting.name: (plugin, setting) for plugin, setting in declared}
    config = read_config()
    values = [_value(plugin, setting, config, settings) for plugin, setting in settings.values()]
    return Settings(values, [*config.problems, *_unknown(config, settings, absent)])


def problems(known: Collection[str], absent: Collection[str] | None) -> list[str]:
    """Return what is written in the file and has no effect, without reading a value.

    Takes the names of the declared settings, and `absent` as `read` does. Raises OptionError if the file
    cannot be read.
    """
    config = read_config()
    return [*config.problems, *_unknown(config, known, absent)]


def current(settings: Sequence[Setting]) -> Iterator[tuple[Setting, Any, str]]:
    """Yield each setting, its value, and where that is set: a variable, a line of the file, or the name.

    Raises OptionError for a value of the wrong type.
    """
    config = read_config() if settings else Config()
    for setting in settings:
        found = _value("", setting, config)
        named = found.source in ("default", f"JOBS_{setting.name.upper()}")
        yield setting, found.value, found.source if named else f"{found.source}: {setting.name}"


def distribution_of(name: str) -> str:
    """Return the distribution of the plugin that declares a setting, if it is one of ours.

    >>> distribution_of("http_allow"), distribution_of("ping")
    ('jobs-http', 'jobs-http')
    """
    return f"jobs-{ELSEWHERE.get(name) or name.partition('_')[0]}"


def _unknown(config: Config, known: Collection[str], absent: Collection[str] | None) -> list[str]:
    """Describe the names in the file that no plugin declares. None of them if `absent` is None."""
    if absent is None:
        return []
    beginnings = tuple(f"{plugin}_" for plugin in absent)
    return [
        f"{config.path}: there is no setting {name!r}{nearest(name, known) or '; no plugin here declares it'}"
        for name in config.settings
        if name not in known and name not in absent and not name.startswith(beginnings)
    ]


def _value(plugin: str, setting: Setting, config: Config, known: Collection[str] = ()) -> Value:
    """Return the value of a setting. `known` are the names of all settings."""
    variable = variable_of(setting.name)
    if isinstance(setting.default, dict):
        value, source = _table(setting, config, known)
    elif variable in os.environ:
        value, source = _converted(os.environ[variable], setting, variable), variable
    elif setting.name in config.settings:
        where = f"{config.path}: {setting.name}"
        value, source = _converted(config.settings[setting.name], setting, where), str(config.path)
    else:
        value, source = setting.default, "default"
    return Value(setting.name, value, source, plugin, setting.summary, setting.secret)


def variable_of(name: str) -> str:
    """Return the environment variable of a setting.

    >>> variable_of("http_allow")
    'JOBS_HTTP_ALLOW'
    """
    return f"JOBS_{name.upper()}"


def _table(setting: Setting, config: Config, known: Collection[str]) -> tuple[dict[str, Any], str]:
    """Return the entries of a table and where they are written: a section of the file, and a variable each.

    The variable of another setting may begin like those of a table. It is no entry.
    """
    written = config.settings.get(setting.name, {})
    if not isinstance(written, Mapping):
        raise OptionError(f"{config.path}: expected [settings.{setting.name}] to be a table")
    beginning, others = f"{variable_of(setting.name)}_", {variable_of(name) for name in known}
    variables = sorted(name for name in os.environ if name.startswith(beginning) and name not in others)
    entries = {_entry(name): value for name, value in written.items()}
    entries |= {_entry(name.removeprefix(beginning)): os.environ[name] for name in variables}
    sources = [*([str(config.path)] if written else []), *variables]
    return setting.default | entries, ", ".join(sources) or "default"


def _entry(name: str) -> str:
    """Return the name of an entry as a variable has it, too."""
    return name.lower().replace("-", "_")


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
    if not isinstance(value, (str, list)):
        raise TypeError(value)
    parts = value if isinstance(value, list) else value.split(",")
    return [str(part).strip() for part in parts if str(part).strip()]


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _text(value: Any) -> str:
    if isinstance(value, (dict, list)):
        raise TypeError(value)
    return str(value)


CONVERT: Mapping[type, Any] = {bool: _flag, float: _number, list: _list, str: _text}
TYPE_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "text", list: "a list"}
