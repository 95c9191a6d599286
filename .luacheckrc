-- What scripts/check lets luacheck know of Redis. Lines are as long as ruff allows in Python, and a little more.
std = 'lua51'
read_globals = { 'redis', 'cjson', 'cmsgpack', 'struct', 'bit', 'KEYS', 'ARGV' }
max_line_length = 130
unused_args = false
