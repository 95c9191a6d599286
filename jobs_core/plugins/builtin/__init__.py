"""The built-in plugin."""
