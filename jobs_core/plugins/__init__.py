"""The plugin system: hooks, the plugin manager, settings and payload schemas."""
