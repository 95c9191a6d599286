#!lua
--[[ JEDIT board id [option value …] [if-match etag] [by who] [because text]

  Change some options of a job, and keep the others. Takes the options of JSET, and `runner` and `payload`. An empty value
  removes an option. An option that makes another schedule, such as `cron` for a job with `every`, replaces the old one.
  With `if-match`, nothing is changed unless this is the job's etag: see JGET.

    FCALL JEDIT 1 {jobs} tick timeout 20
    FCALL JEDIT 1 {jobs} tick cron '0 9 * * *' lease ''

  Returns the next run in ms since the epoch, or 0 if there is none.
  Errors: JOBS AGAIN, JOBS CONFLICT, JOBS NOTFOUND, JOBS OPTION, JOBS PAYLOAD.
--]]
local edit = require 'define.edit'

return edit.apply
