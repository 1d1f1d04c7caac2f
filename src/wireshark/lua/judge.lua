-- What is to be said about a message's own octets.
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
    if value == "" and field.key ~= "description" then
      note("empty." .. field.key)
    end
    local line = value:gsub("\n$", ""):gsub("\r$", "")
    local _, bad_at, control_at = R.read_text(line)
    if bad_at then
      note("not_utf8." .. field.key, { at = bad_at })
    end
    if #line < #value then
      note("line_break." .. field.key)
    end
    local function character(kind, at)
      if at then
        note(("character.%s.%s"):format(field.key, kind), { at = at })
      end
    end
    if field.key == "username" then
      local colon = line:find(":", 1, true)
      character("colon", colon and colon - 1)
    end
    character("control", control_at)
    if field.key == "username" then
      character("leading_space", line:sub(1, 1) == " " and 0)
      character("trailing_space", line:sub(-1) == " " and #line - 1)
    end
    if after and not moved then
      note("after_nul." .. field.key, { at = field.offset + after })
    end
    if #value == field.width and value:sub(-2) == "00" then
      note("zero_filled." .. field.key)
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
      and #body >= 2 and not body:find("%z")
  end

  -- Calls `note(key, values)` for each thing that is wrong, in order of the fields.
  function R.judge(octets, note)
    local length, command = R.word(octets, 1), R.word(octets, 5)
    if not command then
      return
    end
    local known = L.commands[command]
    if not known then
      -- Where the length is that of a message, only the command is wrong.
      if not R.kind_of_len(length) then
        note(mistaken(octets, L.fields.length) or "length.unknown", { found = length })
      end
      note(mistaken(octets, L.fields.command) or "unknown_command", { found = command })
      return
    end
    local kind = L.kinds[known.kind]
    if length + L.header_len == kind.len then
      note("header_not_counted." .. length)
    elseif length ~= kind.len then
      note(mistaken(octets, L.fields.length) or "length." .. command, { found = length })
    end
    local second = kind.name == "request" and second_text(octets)
    if known.registers and kind.name == "request" and R.is_strict(octets) then
      local name = R.text(R.field(octets, L.fields.username))
      -- Only where it cannot be a password's octets.
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
      elseif key == "status" and value:byte() > 1 then
        note("status." .. value:byte())
      end
    end
  end
end
