-- The CRC16 by which a Redis Cluster finds the slot of a key (CRC-16/XMODEM: polynomial 0x1021, beginning with 0).

local crc16 = {}

local POLYNOMIAL = 0x1021

-- The remainders of each byte, once they are known.
local remainders

local function remainder_of(byte)
  local found = bit.lshift(byte, 8)
  for _ = 1, 8 do
    local is_odd = bit.band(found, 0x8000) ~= 0
    found = bit.band(bit.lshift(found, 1), 0xFFFF)
    if is_odd then found = bit.bxor(found, POLYNOMIAL) end
  end
  return found
end

local function remainders_of_bytes()
  local found = {}
  for byte = 0, 255 do found[byte] = remainder_of(byte) end
  return found
end

-- Return the CRC16 of a text, from 0 to 65535.
function crc16.of(text)
  remainders = remainders or remainders_of_bytes()
  local found = 0
  for i = 1, #text do
    found = bit.bxor(bit.band(bit.lshift(found, 8), 0xFF00), remainders[bit.bxor(bit.rshift(found, 8), text:byte(i))])
  end
  return found
end

return crc16
