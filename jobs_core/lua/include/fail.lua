-- End the command with an error reply: `JOBS <CODE> <sentence>`. Call it before anything is written.
local function fail(code, sentence)
  error({ err = 'JOBS ' .. code .. ' ' .. sentence })
end
