"""Rewrite Lua modules so that each runs when a script first uses it.

EVALSHA runs a whole script anew, and most of what a script could do, a call does not need: a JGET uses 10 of its
56 modules. So a script has its modules in one function, `load`, which runs the one that is asked for. In the
sources, a required module is a local name; in a script, each use of that name is a field of the table `modules`,
which loads what it lacks. A source that needs a module while it loads (`require('base.errors').fail`) gets it then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

REQUIRE = re.compile(r"\brequire\s*\(?\s*'([\w.]+)'\s*\)?")
_NAMED = re.compile(rf"^local (\w+) = {REQUIRE.pattern}[ \t]*(?:\n|\Z)", re.MULTILINE)
_USE = re.compile(
    r"'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\""  # strings, which are no names
    r"|[.:]?\b[A-Za-z_]\w*(?=\.\w| or |\))"  # `records.read`, `leases or records`; `.records.read` is a field
)

_MODULES = """\
modules = setmetatable({}, { __index = function(_, name)
local module = load(name)
modules[name] = module
return module
end })"""


def named_modules(body: str) -> dict[str, str]:
    """Return the local names of the modules that a source requires, and which modules these are."""
    return dict(_NAMED.findall(body))


@cache
def with_modules(body: str) -> str:
    """Return a source in which required modules are fields of `modules`.

    >>> with_modules("local clock = require 'base.clock'\\nreturn { now = function() return clock.now() end }")
    "return { now = function() return modules['base.clock'].now() end }"
    """
    names = named_modules(body)
    kept = REQUIRE.sub(r"modules['\1']", _NAMED.sub("", body))
    return _USE.sub(lambda use: f"modules['{names[use[0]]}']" if use[0] in names else use[0], kept)


def loaded_on_demand(bodies: Mapping[str, str]) -> str:
    """Return the Lua that defines `modules`, with these modules by name."""
    branches = (f"if name == '{name}' then\n{with_modules(body)}\nend" for name, body in bodies.items())
    return "\n".join(("local modules", "local function load(name)", *branches, "end", _MODULES))
