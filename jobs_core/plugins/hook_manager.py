"""pluggy's manager, which registers a module faster."""

from __future__ import annotations

import inspect
from types import ModuleType

import pluggy


class HookManager(pluggy.PluginManager):
    """Registers plugins, and looks for hooks among the functions of a module only.

    pluggy looks up each name of a plugin without running its properties. A module has none, and many names.
    """

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        if isinstance(plugin, ModuleType) and not inspect.isroutine(vars(plugin).get(name)):
            return None
        return super().parse_hookimpl_opts(plugin, name)
