-- The CRC16 by which a Redis Cluster finds the slot of a key (CRC-16/XMODEM: polynomial 0x1021, beginning with 0).

local crc16 = {}

local POLYNOMIAL = 0x1021
local STEP = 8  -- bytes at a time, because calls of functions cost the most

-- Remainders by how many bytes follow in a step, and by byte.
local remainders

-- Return the remainder once another byte follows.
local function shift(remainder)
  for _ = 1, 8 do
    remainder = remainder * 2
    if remainder >= 0x10000 then remainder = bit.bxor(remainder - 0x10000, POLYNOMIAL) end
  end
  return remainder
end

-- Each remainder is worked out when it is first used, because a script needs few of them.
local function new_remainders()
  local found = {}
  for following = 0, STEP - 1 do
    found[following] = setmetatable({}, { __index = function(known, byte)
      known[byte] = shift(following == 0 and byte * 0x100 or found[following - 1][byte])
      return known[byte]
    end })
  end
  return found
end

-- Return the CRC16 of a text, from 0 to 65535.
function crc16.of(text)
  remainders = remainders or new_remainders()
  local r, xor, byte_of = remainders, bit.bxor, text.byte
  local padded = ('\0'):rep(-#text % STEP) .. text  -- zeros in front change nothing
  local found = 0
  for i = 1, #padded, STEP do
    local low = found % 0x100
    local a, b, c, d, e, f, g, h = byte_of(padded, i, i + STEP - 1)
    a, b = xor(a, (found - low) / 0x100), xor(b, low)
    found = xor(r[7][a], r[6][b], r[5][c], r[4][d], r[3][e], r[2][f], r[1][g], r[0][h])
  end
  return found
end

return crc16
