local errors = {}

-- End the command with an error reply: `JOBS <CODE> <sentence>`. Call it before the first write: scripts are not rolled back.
function errors.fail(code, sentence)
  error({ err = 'JOBS ' .. code .. ' ' .. sentence })
end

-- Reject the value of one option or argument: `JOBS OPTION <name>: <sentence>`. Clients read the name, so no OPTION error
-- about anything else starts with a word and a colon.
function errors.fail_option(name, sentence)
  errors.fail('OPTION', name .. ': ' .. sentence)
end

return errors
