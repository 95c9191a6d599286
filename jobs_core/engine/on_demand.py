"""Rewrite Lua modules so that each runs when a script first uses it.

EVALSHA runs a whole script anew, and a call needs little of what its script could do: a JGET uses 10 of its
56 modules. So a script has its modules in one function, `load`, which runs the one that is asked for. In the
sources, a required module is a local name. In a script, each use of that name is a field of `modules`, which
loads what it lacks. What a module needs while it loads (`require('base.errors').fail`) loads then.

Scripts know modules by numbers: `load` finds a number by halves, but a name only by comparing one at a time.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from functools import cache

REQUIRE = re.compile(r"\brequire\s*\(?\s*'([\w.]+)'\s*\)?")
_NAMED = re.compile(rf"^local (\w+) = {REQUIRE.pattern}[ \t]*(?:\n|\Z)", re.MULTILINE)
_USE = re.compile(
    r"'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\""  # strings, which are no names
    r"|[.:]?\b[A-Za-z_]\w*(?=\.\w| or |\)\.)"  # `records.read`, `(leases or records).read`
)

_MODULES = """\
modules = setmetatable({}, { __index = function(_, number)
local module = load(number)
modules[number] = module
return module
end })"""


def field(name: str) -> str:
    """Return what a script writes for a module."""
    return f"modules[{_number(name)}]"


def named_modules(body: str) -> dict[str, str]:
    """Return the local names of the modules that a source requires, and which modules these are."""
    return dict(_NAMED.findall(body))


@cache
def with_fields(body: str) -> str:
    """Return a source in which required modules are fields of `modules`.

    >>> with_fields("local clock = require 'base.clock'\\nreturn { now = function() return clock.now() end }")
    'return { now = function() return modules[3274633508].now() end }'
    """
    fields = {local: field(name) for local, name in named_modules(body).items()}
    kept = REQUIRE.sub(lambda required: field(required[1]), _NAMED.sub("", body))
    return _USE.sub(lambda use: fields.get(use[0], use[0]), kept)


def loaded_on_demand(bodies: Mapping[str, str]) -> str:
    """Return the Lua that defines `modules`, with these modules by name."""
    numbered = sorted((_number(name), with_fields(body)) for name, body in bodies.items())
    return f"local modules\nlocal function load(number)\n{_by_halves(numbered)}\nend\n{_MODULES}"


def _by_halves(numbered: Sequence[tuple[int, str]]) -> str:
    """Return the Lua that runs the body whose number is `number`."""
    if len(numbered) == 1:
        return numbered[0][1]
    middle = len(numbered) // 2
    low, high = _by_halves(numbered[:middle]), _by_halves(numbered[middle:])
    return f"if number < {numbered[middle][0]} then\n{low}\nelse\n{high}\nend"


def _number(name: str) -> int:
    """Return the number of a module, which depends on its name alone."""
    return zlib.crc32(name.encode())
