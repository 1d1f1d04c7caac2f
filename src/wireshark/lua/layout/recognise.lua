-- Whether messages of a layout stand somewhere: at the start of a stream, or behind bytes that were lost. The rule is that of
-- Authscope's `layout::recognise`.
do
  local NEARLY, SOME, ROW = L.bounds.nearly, L.bounds.some, L.bounds.row
  local SEARCHED, BUDGET = L.bounds.searched, L.bounds.budget
  -- Faults that no message of the layout has.
  local STRUCTURAL = { constant = true, check = true, missing = true, excess = true, kind = true, side = true }

  local function known_kind(layout, octets, side)
    local value, need = R.kind_value(layout, octets)
    if need then
      return nil, true
    end
    return layout.kinds[R.kind_of(layout, layout.kind and value or nil, side)], false
  end

  -- Whether all of the header that is there is as it must be.
  local function header_fits(layout, octets, side)
    for _, constant in ipairs(layout.constants) do
      local part = octets:sub(constant.at + 1, constant.at + #constant.octets)
      if part ~= constant.octets:sub(1, #part) then
        return false
      end
    end
    local kind, unsure = known_kind(layout, octets, side)
    return unsure or kind ~= nil
  end

  local function sizes_differ(layout, octets, len, side)
    local kind = known_kind(layout, octets, side)
    return kind and kind.size and math.abs(kind.size - len) or 0
  end

  -- Whether a field that should be text begins with what fills it up, and has something else behind that.
  local function is_no_text(fault)
    return fault.key == "fill" and fault.field.size == fault.to - fault.from
  end

  -- "fits", the length and the bits; "more"; or "no".
  local function weigh(layout, octets, side, whole)
    local more = whole and "no" or "more"
    local how, len = R.extent_of(layout, octets, side)
    if how ~= "whole" then
      return how == "need" and header_fits(layout, octets, side) and more or "no"
    end
    if not header_fits(layout, octets, side) or sizes_differ(layout, octets, len, side) > 0 then
      return "no"
    end
    if #octets < len then
      return more
    end
    local read = R.read(layout, octets:sub(1, len), side)
    local kind = layout.kinds[read.kind]
    if not kind then
      return "no"
    end
    for _, fault in ipairs(read.faults) do
      if STRUCTURAL[fault.key] or kind.bits < 2 * L.enough or is_no_text(fault) then
        return "no"
      end
    end
    return "fits", len, kind.bits
  end

  -- A message on the layout's own port that is not quite as its layout says.
  local function nearly_opens(layout, octets, side, whole)
    local how, len = R.extent_of(layout, octets, side)
    if how ~= "whole" or layout.header_bits < 8 or not header_fits(layout, octets, side)
      or sizes_differ(layout, octets, len, side) > NEARLY then
      return "no"
    end
    if #octets < len then
      if not whole then
        return "more"
      end
      return #octets >= layout.least and "yes" or "no"
    end
    local read = R.read(layout, octets:sub(1, len), side)
    for _, fault in ipairs(read.faults) do
      local is_of_size = fault.key == "missing" or fault.key == "excess"
      if is_no_text(fault) or (is_of_size and fault.to - fault.from > NEARLY) then
        return "no"
      end
    end
    return read.kind and "yes" or "no"
  end

  -- Whether a stream of a layout begins with bytes that a side sent: "yes" and the bits of evidence, "more" or "no".
  function R.opens_layout(layout, octets, side, setting)
    if not setting.own_port and layout.best_bits < L.enough then
      return "no"
    end
    local how, len, bits = weigh(layout, octets, side, setting.whole)
    if how == "fits" then
      local shows = bits >= L.enough or (setting.own_port
        and (setting.from_start or bits >= SOME or (setting.one_segment and len == #octets)))
      return shows and "yes" or "no", bits
    elseif how == "more" then
      local shows = setting.own_port and #octets >= layout.least and layout.header_bits >= L.enough
        and known_kind(layout, octets, side)
      return shows and "yes" or "more", layout.header_bits
    end
    local nearly = setting.own_port and nearly_opens(layout, octets, side, setting.whole) or "no"
    return nearly, layout.header_bits
  end

  function R.may_begin(layout, octets, side)
    return R.extent_of(layout, octets, side) ~= "none" and header_fits(layout, octets, side)
  end

  -- Whether a message as its layout says stands at the start of bytes. `whole` says that no more will come.
  function R.begins(layout, octets, side, whole)
    local how = weigh(layout, octets, side, whole)
    return how == "fits" and "yes" or how
  end

  -- Whether messages at the start of bytes carry enough evidence together.
  local function row(layout, octets, side, whole, spent)
    local at, sum = 0, 0
    for _ = 1, ROW do
      local rest = octets:sub(at + 1)
      local _, long = R.extent_of(layout, rest, side)
      if long and long > SEARCHED then
        return "no"
      end
      local how, len, bits = weigh(layout, rest, side, whole)
      if how ~= "fits" then
        return how
      end
      spent.left = spent.left - len
      at, sum = at + len, sum + bits
      if sum >= L.enough then
        local contradicted = at < #octets and not R.may_begin(layout, octets:sub(at + 1), side)
        return contradicted and sum < 2 * L.enough and "no" or "yes"
      elseif at == #octets then
        return whole and "no" or "more"
      end
    end
    return "no"
  end

  -- Behind how many bytes the first message begins of which it is likely; nil and how many bytes begin none.
  function R.find_layout(layout, octets, side, whole)
    if layout.best_bits * ROW < L.enough then
      return nil, #octets
    end
    local spent, open = { left = BUDGET }, nil
    for at = 0, #octets - 1 do
      local rest = octets:sub(at + 1)
      if R.may_begin(layout, rest, side) then
        if spent.left <= 0 then
          return nil, open or at
        end
        local how = row(layout, rest, side, whole, spent)
        if how == "yes" then
          return at
        elseif how == "more" then
          open = open or at
        end
      end
    end
    return nil, open or #octets
  end
end
