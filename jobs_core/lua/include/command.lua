-- Call a command's body, so that an error becomes the one sentence it was written as.
local function command(body, ...)
  local ok, reply = pcall(body, ...)
  if ok then return reply end
  local text = type(reply) == 'table' and reply.err or tostring(reply)
  return redis.error_reply(text:find('^%u+ ') and text or 'JOBS FAULT ' .. text)
end
