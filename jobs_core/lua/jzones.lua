#!lua
--[[ JZONES board
     JZONES board put zone table [zone table …]
     JZONES board refresh cursor [now time]
     JZONES board done version

  Load time zones in portions. Put every table (format: time/zones.lua), call refresh from cursor 0 until it returns 0,
  then call done with the version of the data. Jobs whose zone has changed get a new next run. If a load stops before
  `done`, the next client starts it again. The Python client does all this by itself.

    FCALL JZONES 1 {jobs}
    "2026b"

  Returns the loaded version, empty if there is none. put returns how many tables were new or changed, refresh the next
  cursor (0 at the end), done the version.
  Errors: JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local fail = require('base.errors').fail
local key = require('base.keys').key
local patterns = require 'cron.patterns'
local realign = require 'define.realign'
local instant = require 'time.instant'
local zones = require 'time.zones'

local PAGE_SIZE = 100  -- jobs per call, approximately

local function version(board)
  if redis.call('EXISTS', key(board, 'zones')) == 0 then return '' end
  return redis.call('GET', key(board, 'zones:version')) or ''
end

local function put(board, args)
  if #args < 3 or #args % 2 == 0 then fail('OPTION', 'JZONES put expects pairs of zone and table') end
  local new = 0
  for i = 2, #args, 2 do
    local name, records = args[i], args[i + 1]
    local old = redis.call('HGET', key(board, 'zones'), name)
    if old ~= records then
      if old then redis.call('SADD', key(board, 'zones:changed'), name) end
      redis.call('HSET', key(board, 'zones'), name, records)
      new = new + 1
    end
  end
  return new
end

local function has_changed(board, zone)
  if redis.call('SISMEMBER', key(board, 'zones:changed'), zone) == 1 then return true end
  local alias = zones.alias_of(board, zone)
  return alias and redis.call('SISMEMBER', key(board, 'zones:changed'), alias) == 1
end

local function refresh(board, args)
  local now, cache = instant.now(arguments.read_options(args, 3, { now = true })), patterns.new_cache(board)
  if redis.call('EXISTS', key(board, 'zones:changed')) == 0 then return '0' end
  local cursor = arguments.whole_number('cursor', args[2] or '', 0)
  return realign.page(board, cursor, PAGE_SIZE, now, cache, function(head) return head.zone and has_changed(board, head.zone) end)
end

local function done(board, args)
  redis.call('DEL', key(board, 'zones:changed'))
  redis.call('SET', key(board, 'zones:version'), args[2] or '')
  return version(board)
end

local VERBS = { put = put, refresh = refresh, done = done }

return function(board, args)
  if #args == 0 then return version(board) end
  local handler = VERBS[args[1]]
  if not handler then fail('OPTION', "JZONES expects put, refresh or done, got '" .. args[1] .. "'") end
  return handler(board, args)
end
