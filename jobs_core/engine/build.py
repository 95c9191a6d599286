"""Build the Lua sources into one library of functions, and into a script for each command.

A source is an ordinary Lua module: `local records = require 'queue.records'` names the file
`queue/records.lua`, and the file returns a table. Files in the top folder are commands: their first line has
the flags of the command (`#!lua flags=no-writes`), and they return `function(board, args)`.

Redis provides few globals while it loads a library (Redis 7.0 has no `string` or `ipairs`). So the body of a
module only defines functions and constants. `check` rejects a global name outside a function: tests call it
for all sources, since it would take every process some 30 ms.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from importlib.resources.abc import Traversable

from jobs_core.engine import on_demand
from jobs_core.engine.load_time import global_names, used_names, without_shebang

LIBRARY_VERSION = 12
"""The version of the library. Increase it with each release that changes the Lua sources. A client never
replaces a newer library."""

LIBRARY_NAME = "jobs"


class BuildError(Exception):
    """A source that cannot be built. The message names the module and the problem."""


@dataclass(frozen=True, slots=True)
class Source:
    """One Lua file, what of it Redis needs (`body`), and the modules that it requires, in order."""

    name: str
    text: str
    body: str
    requires: tuple[str, ...]


@dataclass(frozen=True)
class Command:
    """One command: its name (`JSET`), flags, source, and required modules in order."""

    name: str
    flags: str
    source: str
    modules: tuple[str, ...]
    _sources: Mapping[str, Source] = field(repr=False, compare=False)

    @property
    def only_reads(self) -> bool:
        """Whether the command never writes, so that FCALL_RO and replicas can run it."""
        return "no-writes" in self.flags

    @cached_property
    def script(self) -> str:
        """The command as a script for EVALSHA, with only the modules it requires.

        It is built when it is asked for, since most processes call functions and need none.
        """
        run, may_write = f"{on_demand.field('base.command')}.run", _may_write(self.flags)
        body = on_demand.with_fields(self._sources[self.name.lower()].body)
        return "\n".join(
            (
                f"#!lua flags={self.flags}" if self.flags else "#!lua",
                on_demand.loaded_on_demand({name: self._sources[name].body for name in self.modules}),
                f"local body = (function()\n{body}\nend)()",
                f"return {run}(body, KEYS[1], ARGV, {may_write})\n",
            )
        )

    @cached_property
    def sha(self) -> str:
        """The SHA-1 of the script, by which EVALSHA calls it."""
        return hashlib.sha1(self.script.encode(), usedforsecurity=False).hexdigest()


def read_sources(root: Traversable) -> dict[str, Source]:
    """Read every Lua file below a folder. `queue/records.lua` becomes `queue.records`."""
    return {name: as_source(name, text) for name, text in _walk(root, "")}


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}.")
        elif entry.name.endswith(".lua"):
            yield prefix + entry.name.removesuffix(".lua"), entry.read_text("utf-8")


_COMMENT = re.compile(r"--\[\[.*?\]\]|--[^\n]*", re.DOTALL)

_UNNEEDED = re.compile(r"--\[\[.*?\]\]\n|^[ \t]*--[^\n]*\n|^[ \t]+|  --[^\n'\"]*$", re.MULTILINE | re.DOTALL)
"""Comments and indents. Without them, scripts stay small."""


def as_source(name: str, text: str) -> Source:
    """Return one source, with the modules that it requires outside comments."""
    body = _UNNEEDED.sub("", without_shebang(text)).strip()
    requires = dict.fromkeys(on_demand.REQUIRE.findall(_COMMENT.sub("", body)))
    return Source(name, text, body, tuple(requires))


def check(source: Source) -> None:
    """Raise BuildError if a source uses a global name while it loads, or a module but for its fields."""
    stray = sorted(set(global_names(source.text)) - {"require"})
    if stray:
        raise BuildError(
            f"{source.name}: uses {', '.join(stray)} while it loads, when Redis has no globals. "
            "Move this into a function."
        )
    used = set(used_names(on_demand.with_fields(source.body)))
    unclear = sorted(used & set(on_demand.named_modules(source.body)))
    if unclear:
        raise BuildError(
            f"{source.name}: {unclear[0]} must stand for the required module alone, and be used as in "
            f"{unclear[0]}.field, so that a script can load it on demand."
        )


def in_order(names: Iterable[str], sources: Mapping[str, Source]) -> list[str]:
    """Return these modules and their dependencies, dependencies first. Raises BuildError."""
    found: dict[str, None] = {}
    for name in names:
        _visit(name, sources, found, ())
    return list(found)


def _visit(name: str, sources: Mapping[str, Source], found: dict[str, None], path: tuple[str, ...]) -> None:
    if name in path:
        cycle = " requires ".join((*path[path.index(name) :], name))
        raise BuildError(f"Modules require each other: {cycle}")
    if name in found:
        return
    if name not in sources:
        raise BuildError(f"{path[-1] if path else 'a build'} requires {name}, which does not exist")
    for needed in sources[name].requires:
        _visit(needed, sources, found, (*path, name))
    found[name] = None


_REQUIRE_FUNCTION = "local modules = {}\nlocal function require(name) return modules[name] end"


def _as_module(source: Source) -> str:
    """Return a module as an expression."""
    return f"modules['{source.name}'] = (function()\n{source.body}\nend)()"


def build_command(name: str, sources: Mapping[str, Source]) -> Command:
    """Build one command, with only the modules it requires. Raises BuildError."""
    source = sources[name]
    flags = source.text.partition("\n")[0].partition("flags=")[2]
    modules = in_order(("base.command", *source.requires), sources)
    return Command(name.upper(), flags, source.text, tuple(modules), sources)


def _may_write(flags: str) -> str:
    return "false" if "no-writes" in flags else "true"


def command_names(sources: Mapping[str, Source]) -> list[str]:
    """Return the sources that are commands: those in the top folder."""
    return sorted(name for name in sources if "." not in name)


def build_library(sources: Mapping[str, Source], version: int = LIBRARY_VERSION) -> str:
    """Build all commands as one library for FUNCTION LOAD: `FCALL JSET 1 {jobs} …`.

    The modules are fields of one table, so that Lua's limit of 200 local names applies to each module alone.
    JVERSION returns the version of the library and a digest of its text. Raises BuildError.
    """
    names = command_names(sources)
    modules = in_order(
        ("base.command", *(need for name in names for need in sources[name].requires)), sources
    )
    body = "\n".join(
        (
            _REQUIRE_FUNCTION,
            *(_as_module(sources[module]) for module in modules),
            _REGISTER,
            *(_registered(sources[name]) for name in names),
        )
    )
    digest = hashlib.sha1(body.encode(), usedforsecurity=False).hexdigest()[:12]
    return f"#!lua name={LIBRARY_NAME}\n{body}\n{_version(version, digest)}"


_REGISTER = """\
local function register(name, flags, may_write, body)
  local run = modules['base.command'].run
  redis.register_function{ function_name = name, flags = flags, callback = function(keys, args)
    return run(body, keys[1], args, may_write)
  end }
end"""


def _registered(source: Source) -> str:
    flags = source.text.partition("\n")[0].partition("flags=")[2]
    listed = ", ".join(f"'{flag}'" for flag in flags.split(",") if flag)
    return (
        f"register('{source.name.upper()}', {{ {listed} }}, {_may_write(flags)}, (function()\n"
        f"{source.body}\nend)())"
    )


def _version(version: int, digest: str) -> str:
    return (
        "redis.register_function{ function_name = 'JVERSION', flags = { 'no-writes', 'allow-stale' },\n"
        f"  callback = function() return {{ {version}, '{digest}' }} end }}\n"
    )


@cache
def commands() -> dict[str, Command]:
    """Return all commands by name, as scripts."""
    sources = _own_sources()
    return {name.upper(): build_command(name, sources) for name in command_names(sources)}


@cache
def library() -> str:
    """Return the text of the library: all commands as functions."""
    return build_library(_own_sources())


@cache
def _own_sources() -> dict[str, Source]:
    return read_sources(resources.files("jobs_core").joinpath("lua"))
