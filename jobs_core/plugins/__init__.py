"""The plugin contract: hooks, the manager that finds plugins, their settings and payload schemas."""
