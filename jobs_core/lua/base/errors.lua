local errors = {}

-- End the command with the error `JOBS <CODE> <sentence>`. Call it before the first write, because Redis does not roll
-- scripts back.
function errors.fail(code, sentence)
  error({ err = 'JOBS ' .. code .. ' ' .. sentence })
end

-- Reject the value of one option or argument: `JOBS OPTION <name>: <sentence>`. Clients read the name, so no other OPTION
-- error starts with a word and a colon.
function errors.fail_option(name, sentence)
  errors.fail('OPTION', name .. ': ' .. sentence)
end

return errors
