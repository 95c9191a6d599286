"""The engine: build the Lua sources, load them into Redis, and call them."""
