-- Messages of a layout: where they end, and what their fields hold. Integers stand as their bytes, the most significant first.
do
  local UNLIMITED = 2 ^ 53

  local function ordered(octets, little)
    return little and octets:reverse() or octets
  end

  -- The value of bytes with the most significant first; inexact above 2^53.
  local function number(octets, signed)
    local value = 0
    for at = 1, #octets do
      value = value * 256 + octets:byte(at)
    end
    if signed and octets ~= "" and octets:byte(1) >= 0x80 then
      value = value - 256 ^ #octets
    end
    return value
  end
  R.number = number

  -- The integer that a description says stands in `octets` behind `at` bytes; nil where it is not whole.
  local function integer(octets, at, of)
    local part = octets:sub(at + 1, at + of.width)
    return #part == of.width and ordered(part, of.little) or nil
  end

  -- The value of the field with the role kind, or nil and how many bytes it takes to know it.
  function R.kind_value(layout, octets)
    local kind = layout.kind
    if not kind then
      return "", nil
    end
    local value = integer(octets, kind.at, kind)
    return value, not value and kind.at + kind.width or nil
  end

  -- The kind with a value that a side sends, its number.
  local function kind_of(layout, value, side)
    for index, kind in ipairs(layout.kinds) do
      if kind.value == value and (not kind.side or kind.side == side) then
        return index
      end
    end
  end
  R.kind_of = kind_of

  -- "whole" and the length, "need" and how many bytes tell it, or "none".
  function R.extent_of(layout, octets, side)
    local length = layout.length
    if length then
      local value = integer(octets, length.at, length)
      if not value then
        return "need", length.at + length.width
      end
      local len = number(value, length.signed) - length.offset
      if len >= layout.least and len <= layout.max then
        return "whole", len
      end
      return "none"
    end
    local value, need = R.kind_value(layout, octets)
    if not value then
      return "need", need
    end
    local kind = layout.kinds[kind_of(layout, value, side)]
    if kind and kind.size then
      return "whole", kind.size
    end
    return "none"
  end

  local crcs
  local function crc32(octets)
    local xor, rshift, band = bit.bxor, bit.rshift, bit.band
    if not crcs then
      crcs = {}
      for byte = 0, 255 do
        local crc = byte
        for _ = 1, 8 do
          crc = band(crc, 1) == 1 and xor(rshift(crc, 1), 0xedb88320) or rshift(crc, 1)
        end
        crcs[byte] = crc
      end
    end
    local crc = -1
    for at = 1, #octets do
      crc = xor(rshift(crc, 8), crcs[band(xor(crc, octets:byte(at)), 0xff)])
    end
    return bit.bnot(crc) % 2 ^ 32
  end

  local function sum8(octets)
    local sum = 0
    for at = 1, #octets do
      sum = (sum + octets:byte(at)) % 256
    end
    return sum
  end

  -- The Internet checksum, an odd last byte filled up with a zero.
  local function internet(octets)
    local sum = 0
    for at = 1, #octets, 2 do
      sum = sum + octets:byte(at) * 256 + (octets:byte(at + 1) or 0)
    end
    while sum > 0xffff do
      sum = sum % 0x10000 + math.floor(sum / 0x10000)
    end
    return 0xffff - sum
  end

  local CHECKS = { crc32 = crc32, sum8 = sum8, internet = internet }

  local function fault(reader, key, field, from, to)
    table.insert(reader.faults, { key = key, field = field, from = from, to = to })
  end

  -- The next bytes, up to `len`; whether all are there.
  local function take(reader, field, len)
    local from = reader.at
    local to = math.min(from + len, #reader.octets)
    reader.at = to
    if to - from < len then
      fault(reader, "missing", field, from, #reader.octets)
    end
    return reader.octets:sub(from + 1, to), to - from == len
  end

  -- How many bytes or records a field has; nil where that is cut off.
  local function counted(reader, part, index, field)
    local count = field.count
    if count.how == "fixed" then
      return count.n
    elseif count.how == "slot" then
      return math.max(reader.slots[count.slot] or 0, 0)
    elseif count.how == "prefix" then
      local octets, whole = take(reader, field, count.width)
      return whole and math.max(number(ordered(octets, count.little), count.signed), 0) or nil
    elseif count.how == "rest" then
      local behind = 0
      for at = index + 1, #part.fields do
        behind = behind + (part.fields[at].size or 0)
      end
      return math.max(#reader.octets - reader.at - behind, 0)
    end
    local nul = reader.octets:find("\0", reader.at + 1, true)
    return nul and nul - reader.at or #reader.octets - reader.at
  end

  local function judge_integer(reader, field, octets, from)
    local value = number(octets, field.signed)
    if field.slot then
      reader.slots[field.slot] = value
    end
    if field.constant and field.constant ~= octets then
      fault(reader, "constant", field, from, reader.at)
    end
    local check = CHECKS[field.role]
    if check and check(reader.octets:sub(1, from)) ~= value then
      fault(reader, "check", field, from, reader.at)
    end
    local unnamed = field.names and not field.names[octets]
    if field.bits then
      local left = value
      for _, named in ipairs(field.bits) do
        if math.floor(value / 2 ^ named[1]) % 2 == 1 then
          left = left - 2 ^ named[1]
        end
      end
      unnamed = left ~= 0
    end
    if unnamed then
      fault(reader, "unnamed", field, from, reader.at)
    end
  end

  -- A text without what ends or fills it up.
  local function judge_text(reader, field, octets, from)
    local value = octets
    if field.count.how == "fixed" and field.fill == 0 then
      local nul = octets:find("\0", 1, true)
      value = nul and octets:sub(1, nul - 1) or octets
      if octets:find("[^%z]", #value + 1) then
        fault(reader, "fill", field, reader.at - #octets + #value, reader.at)
      end
    elseif field.count.how == "fixed" then
      local last = #octets
      while last > 0 and octets:byte(last) == field.fill do
        last = last - 1
      end
      value = octets:sub(1, last)
    elseif field.count.how == "nul" then
      if octets:sub(-1) == "\0" then
        value = octets:sub(1, -2)
      else
        fault(reader, "missing", field, from, reader.at)
      end
    end
    local _, bad = R.read_text(value)
    if bad then
      fault(reader, "utf8", field, reader.at - #octets, reader.at)
    end
    if field.constant and field.constant ~= value then
      fault(reader, "constant", field, reader.at - #octets, reader.at)
    end
    return value
  end

  local read_part

  local function record(reader, part)
    local outside, slots = reader.slots, {}
    for key, value in pairs(outside) do
      slots[key] = value
    end
    reader.slots = slots
    local nodes = {}
    local whole = read_part(reader, part, nodes)
    reader.slots = outside
    return nodes, whole
  end

  -- Reads a field; whether it was whole.
  local function read_field(reader, part, index, nodes)
    local field = part.fields[index]
    local from = reader.at
    local node = { field = field, from = from }
    local whole = true
    if field.kind == "integer" or field.kind == "flags" or field.kind == "float" then
      local octets
      octets, whole = take(reader, field, field.width)
      if not whole then
        node.cut = true
      elseif field.kind ~= "float" then
        node.value = ordered(octets, field.little)
        judge_integer(reader, field, node.value, from)
      end
    elseif field.kind == "record" and not field.count then
      local inner
      inner, whole = record(reader, reader.layout.parts[field.part])
      node.records = { inner }
    else
      local count = counted(reader, part, index, field)
      if not count then
        node.cut, whole = true, false
      elseif field.kind == "record" then
        local stop = field.count.how == "rest" and reader.at + count or #reader.octets
        local most = field.count.how == "rest" and UNLIMITED or count
        node.records = {}
        while whole and #node.records < most and reader.at < stop do
          local start = reader.at
          local inner
          inner, whole = record(reader, reader.layout.parts[field.part])
          inner.from, inner.to = start, reader.at
          table.insert(node.records, inner)
        end
        if whole and field.count.how ~= "rest" and #node.records < count then
          fault(reader, "missing", field, reader.at, reader.at)
          whole = false
        end
      else
        local octets
        octets, whole = take(reader, field, count)
        if field.kind == "text" then
          node.value = judge_text(reader, field, octets, from)
        else
          node.value = octets
          if field.constant and field.constant ~= octets then
            fault(reader, "constant", field, reader.at - #octets, reader.at)
          end
        end
      end
    end
    node.to = reader.at
    if not node.cut or node.to > node.from then
      nodes[#nodes + 1] = node
    end
    return whole
  end

  read_part = function(reader, part, nodes)
    for index = 1, #part.fields do
      if not read_field(reader, part, index, nodes) then
        return false
      end
    end
    return true
  end

  local function fault_at(reader, key, place)
    if place then
      fault(reader, key, place.field, math.min(place.at, #reader.octets), math.min(place.at + place.width, #reader.octets))
    else
      fault(reader, key, nil, 0, 0)
    end
  end

  -- Reads a message, or as much of it as there is: its kind, fields, faults, and what has no field.
  function R.read(layout, octets, side)
    local reader = { layout = layout, octets = octets, at = 0, slots = {}, faults = {} }
    local nodes = {}
    local value = R.kind_value(layout, octets)
    local kind = value and kind_of(layout, layout.kind and value or nil, side)
    local known = layout.kinds[kind]
    local whole = read_part(reader, layout.parts[layout.header], nodes)
    if whole and known and known.body then
      read_part(reader, layout.parts[known.body], nodes)
    end
    local data = reader.at
    if not known then
      -- Of a message that is cut off before its kind nothing is known.
      if value then
        fault_at(reader, "kind", layout.kind)
      end
    else
      data = nil
      if known.from and known.from ~= side then
        fault_at(reader, "side", layout.kind)
      end
      if reader.at < #octets then
        fault(reader, "excess", nil, reader.at, #octets)
      end
    end
    return { kind = kind, nodes = nodes, faults = reader.faults, data = data, value = value }
  end
end
