-- What is to be said about a message's own bytes.
do
  -- What keeps a name from being registered that a request can hold, and at which offset.
  local function unregistrable(name)
    local _, bad_at, control_at = R.read_text(name)
    if bad_at or control_at or name:find(":", 1, true) or name:sub(1, 1) == " " or name:sub(-1) == " " then
      return nil
    end
    local at, spaces_at, leading = 1, nil, false
    while at <= #name do
      local len = R.character(name, at)
      local code = name:byte(at)
      if len > 1 then
        code = code % 2 ^ (7 - len)
        for more = 1, len - 1 do
          code = code * 64 + name:byte(at + more) % 64
        end
      end
      for kind, runs in pairs(L.unregistrable) do
        for run = 1, #runs, 2 do
          if code >= runs[run] and code <= runs[run + 1] then
            return kind, at - 1
          end
        end
      end
      spaces_at = L.spaces[code] and (spaces_at or at - 1) or nil
      leading = leading or spaces_at == 0
      at = at + len
    end
    if leading then
      return "leading_space", 0
    end
    return spaces_at and "trailing_space", spaces_at
  end

  -- `moved` says that what stands behind a NUL is another field's text.
  local function judge_text(octets, field, moved, note)
    local value, after = R.text(octets)
    local line = value:gsub("\n$", ""):gsub("\r$", "")
    local _, bad_at, control_at = R.read_text(line)
    local function character(kind, at)
      if at then
        note(("character.%s.%s"):format(field.key, kind), { at = at })
      end
    end
    local faults = {
      empty = function(key) return value == "" and note(key) end,
      not_utf8 = function(key) return bad_at and note(key, { at = bad_at }) end,
      line_break = function(key) return #line < #value and note(key) end,
      characters = function()
        local is_name = field.key == "username"
        local colon = is_name and line:find(":", 1, true)
        character("colon", colon and colon - 1)
        character("control", control_at)
        character("leading_space", is_name and line:sub(1, 1) == " " and 0)
        character("trailing_space", is_name and line:sub(-1) == " " and #line - 1)
      end,
      after_nul = function(key) return after and not moved and note(key, { at = field.offset + after }) end,
      zero_filled = function(key) return #value == field.width and R.is_zero_filled(value) and note(key) end,
    }
    for _, row in ipairs(L.rules.text_faults) do
      if row[2][field.key] then
        faults[row[1]](row[1] .. "." .. field.key)
      end
    end
  end

  -- The key of what a number of the header looks like that is none of ours.
  local function mistaken(octets, field)
    local part = R.field(octets, field)
    local function is_ours(value)
      if field.key == "length" then
        return R.kind_of_len(value)
      end
      return L.commands[value]
    end
    for _, way in ipairs({ { "reversed", R.word(part:reverse(), 1) }, { "number_as_text", R.text_number(part) } }) do
      if is_ours(way[2]) then
        return ("%s.%s.%d"):format(way[1], field.key, way[2])
      end
    end
  end

  -- Offset of the second of exactly two texts in a request's body, where it is not where the
  -- password should be and the message shows that its fields have other places.
  local function second_text(octets)
    local body = octets:sub(L.header_len + 1)
    local first, filling, second, rest = body:match("^(%Z+)(%z+)(%Z+)(%z*)$")
    if not first or #rest + #second + #filling + #first ~= #body then
      return nil
    end
    local at = L.header_len + #first + #filling
    local password = L.fields.password
    local elsewhere = at ~= password.offset and #octets >= L.kinds.request.len
      and (not R.is_header(octets) or at == L.header_len + password.width)
    return elsewhere and at or nil
  end

  -- Whether the beginning of a request has text and no filling.
  function R.is_not_filled(octets)
    local known = L.commands[R.word(octets, 5)]
    local body = octets:sub(L.header_len + 1)
    return known and known.kind == "request" and #octets < L.kinds.request.len
      and #body >= L.rules.unfilled and not body:find("%z")
  end

  -- Calls `note(key, values)` for each thing that is wrong, in order of the fields.
  function R.judge(octets, note)
    local length, command = R.word(octets, 1), R.word(octets, 5)
    if not command then
      return
    end
    local known = L.commands[command]
    local kind = known and L.kinds[known.kind]
    local lengths = {
      right = function() return kind and length == kind.len end,
      without_header = function() return kind and length + L.header_len == kind.len end,
      of_any_kind = function() return R.kind_of_len(length) end,
      any = function() return true end,
    }
    local faults = {
      header_not_counted = function() note("header_not_counted." .. length) end,
      length = function()
        note(mistaken(octets, L.fields.length) or "length." .. (known and command or "unknown"), { found = length })
      end,
      command = function() note(mistaken(octets, L.fields.command) or "unknown_command", { found = command }) end,
    }
    for _, row in ipairs(L.rules.header_faults) do
      if (row[1] == "known") == (known ~= nil) and lengths[row[2]]() then
        for _, fault in ipairs(row[3]) do
          faults[fault]()
        end
        break
      end
    end
    if not known then
      return
    end
    local second = kind.name == "request" and second_text(octets)
    if known.registers and kind.name == "request" and R.is_strict(octets) then
      local name = R.text(R.field(octets, L.fields.username))
      -- Only where it cannot be a password's bytes.
      if #name < L.fields.username.width then
        local refused, at = unregistrable(name)
        if refused then
          note("character.username." .. refused, { at = at })
        end
      end
    end
    for _, key in ipairs(kind.fields) do
      local field = L.fields[key]
      local value = R.field(octets, field)
      if value == "" then
        return
      end
      if key == "password" and second then
        note("second_text." .. second)
      elseif field.kind == "text" then
        judge_text(value, field, key == "username" and second, note)
      elseif key == "status" and not L.statuses[value:byte()] then
        note("status." .. value:byte())
      end
    end
  end
end
