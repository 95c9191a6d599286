local numbers = {}

numbers.MAX = 1e15  -- larger than any count or duration, even in ms

-- Format a number of ms for use in a text. tostring() would write 1.7e+12. (redis.call writes all digits itself.)
function numbers.digits(number)
  return string.format('%.0f', number)
end

return numbers
