-- The trace that a push belongs to, as W3C Trace Context writes it. Only a push takes these options, and its task carries
-- them: a run of the schedule begins a trace of its own.

local fail_option = require('base.errors').fail_option

local trace_context = {}

local MAX_STATE, MAX_MEMBERS, MAX_KEY = 512, 32, 256

-- Read an id of hexadecimal digits. Zeros alone are no id.
local function is_id(text, length)
  return #text == length and text:find('[^0]') ~= nil
end

-- Read version-trace-parent-flags: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.
local function traceparent(text)
  local version, trace, parent, flags = text:match('^([%da-f]+)%-([%da-f]+)%-([%da-f]+)%-([%da-f]+)$')
  if version and #version == 2 and version ~= 'ff' and is_id(trace, 32) and is_id(parent, 16) and #flags == 2 then return text end
  fail_option('traceparent', 'expected 55 characters such as 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01')
end

local function is_member(text)
  local name, value = text:match('^ *([%l%d][%l%d_%-*/@]*)=([^=]*[^= ]) *$')
  return name and #name <= MAX_KEY and #value <= MAX_KEY
end

-- Read name=value,name=value. The names are those of systems that take part in the trace.
local function tracestate(text)
  local count, is_valid = 0, #text <= MAX_STATE and not text:find('[^ -~]')
  for member in (text .. ','):gmatch('([^,]*),') do
    if member:find('[^ ]') then
      count = count + 1
      is_valid = is_valid and is_member(member)
    end
  end
  if is_valid and count > 0 and count <= MAX_MEMBERS then return text end
  fail_option('tracestate', 'expected up to 32 members such as vendor=value, of at most 512 bytes in all')
end

-- Return the fields of JSON that a task carries, or nothing if the push belongs to no trace.
function trace_context.fields(options)
  if not options.traceparent then
    if options.tracestate then fail_option('tracestate', 'needs traceparent') end
    return nil
  end
  local fields = '"traceparent":"' .. traceparent(options.traceparent) .. '"'
  if not options.tracestate then return fields end
  return fields .. ',"tracestate":' .. cjson.encode(tracestate(options.tracestate))
end

return trace_context
