local errors = {}

-- End the command with an error reply: `JOBS <CODE> <sentence>`. Call it before anything is written.
function errors.fail(code, sentence)
  error({ err = 'JOBS ' .. code .. ' ' .. sentence })
end

return errors
