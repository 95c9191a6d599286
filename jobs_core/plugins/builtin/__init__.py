"""The plugin that is always there."""
