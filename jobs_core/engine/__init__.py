"""The engine: Lua sources, and how they are built, loaded into Redis and called."""
