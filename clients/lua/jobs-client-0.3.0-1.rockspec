package = 'jobs-client'
version = '0.3.0-1'
source = { url = '.' } -- made from a checkout, with `luarocks make`
description = {
  summary = 'A client of Jobs, the scheduler that runs inside Redis',
  license = 'MIT',
}
dependencies = { 'lua >= 5.1' }
build = { type = 'builtin', modules = { jobs = 'jobs.lua', ['jobs.partitions'] = 'jobs/partitions.lua' } }
