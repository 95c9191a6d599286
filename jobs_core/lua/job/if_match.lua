-- The option `if-match`: the etag of a job as its caller has read it. What has been changed since is left alone.

local fail = require('base.errors').fail
local packed_job = require 'job.packed_job'

local if_match = { OPTIONS = { ['if-match'] = true } }

-- Fail if the options have an etag that is not the job's. `head` is nil if there is no such job.
function if_match.check(options, id, head, body)
  local expected = options['if-match']
  if not expected or head and packed_job.etag(head, body) == expected then return end
  fail('CONFLICT', "the job '" .. id .. "' has changed since you read it: read it again")
end

return if_match
