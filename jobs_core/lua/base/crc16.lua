-- The CRC16 by which a Redis Cluster finds the slot of a key (CRC-16/XMODEM: polynomial 0x1021, beginning with 0).

local crc16 = {}

local POLYNOMIAL = 0x1021

-- The high and the low byte of the remainder of each byte, once they are known.
local high_of, low_of

local function remainder_of(byte)
  local found = bit.lshift(byte, 8)
  for _ = 1, 8 do
    local is_odd = bit.band(found, 0x8000) ~= 0
    found = bit.band(bit.lshift(found, 1), 0xFFFF)
    if is_odd then found = bit.bxor(found, POLYNOMIAL) end
  end
  return found
end

local function prepare()
  high_of, low_of = {}, {}
  for byte = 0, 255 do
    local found = remainder_of(byte)
    high_of[byte], low_of[byte] = bit.rshift(found, 8), bit.band(found, 0xFF)
  end
end

-- Return the CRC16 of a text, from 0 to 65535. A script checks many ids, so this calls few functions for each byte.
function crc16.of(text)
  if not high_of then prepare() end
  local xor, byte_of = bit.bxor, text.byte
  local high, low = 0, 0
  for i = 1, #text do
    local byte = xor(high, byte_of(text, i))
    high, low = xor(low, high_of[byte]), low_of[byte]
  end
  return high * 256 + low
end

return crc16
