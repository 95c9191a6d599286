local numbers = {}

numbers.ENORMOUS = 1e15  -- more than anything that is counted or measured, be it in ms

-- A number of ms as part of a text: tostring() would write 1.7e+12. (redis.call writes all its digits itself.)
function numbers.digits(number)
  return string.format('%.0f', number)
end

return numbers
