"""Conformance tests for all plugins."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

from jobs_core.plugins.installed import GROUP
from jobs_core.plugins.manager import PluginInfo, Plugins

LOAD_SCRIPT = """
import sys
from importlib.metadata import entry_points, packages_distributions
import jobs_core.plugins.manager
before = set(sys.modules)
(entry,) = [entry for entry in entry_points(group="jobs") if entry.name == sys.argv[1]]
entry.load()
own = {"jobs_core", "click", "pluggy", entry.module.partition(".")[0]}
names = {name.partition(".")[0] for name in set(sys.modules) - before} - own - set(sys.stdlib_module_names)
if names:  # which takes a while to look up
    known = packages_distributions()
    ours = {"jobs-core", "click", "pluggy", entry.dist.name}
    print(*sorted(name for name in names if not ours & set(known.get(name, ours))))
"""


class PluginConformance:
    """Tests for every plugin. Set `plugin` to the name of its entry point."""

    plugin: str

    def test_its_entry_point_loads_and_all_its_hooks_exist(self) -> None:
        """A broken plugin provides nothing."""
        info = self._info(Plugins.load())
        assert info.state == "ok", info.reason
        assert info.hooks, "the plugin implements no hook: check @hookimpl"

    def test_its_import_loads_no_sdk(self) -> None:
        """`jobs --help` loads every plugin, so import large packages inside `run`."""
        done = subprocess.run(
            [sys.executable, "-c", LOAD_SCRIPT, self.plugin], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == [], (
            "the plugin imports other packages on load: import them where they are used"
        )
        assert done.stderr == "", "the plugin writes to standard error on import"

    def test_its_names_are_unique(self) -> None:
        """A name that two plugins provide is unusable."""
        plugins = Plugins.load()
        for kind, names in self._info(plugins).provides.items():
            providers = [info.name for info in plugins.infos if set(info.provides.get(kind, ())) & set(names)]
            assert providers == [self.plugin], f"{kind} {names} are provided by {providers}"

    def _info(self, plugins: Plugins) -> PluginInfo:
        found = [info for info in plugins.infos if info.name == self.plugin]
        known = sorted(entry.name for entry in entry_points(group=GROUP))
        assert found, f"no entry point {self.plugin!r} in the group 'jobs': installed are {', '.join(known)}"
        return found[0]
