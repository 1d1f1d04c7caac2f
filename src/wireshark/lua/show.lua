-- Messages in the packet list and in the details tree.
do
  local f, e = {}, {}
  R.expert_fields = e

  local numbers, statuses = {}, {}
  for code, command in pairs(L.commands) do
    numbers[code] = command.name
  end
  for code, name in pairs(L.statuses) do
    statuses[code] = name
  end

  for key, field in pairs(L.fields) do
    local name = L.prefix .. "." .. key
    if field.kind == "text" then
      f[key] = ProtoField.string(name, field.label, base.UNICODE, field.meaning)
    elseif field.kind == "u8" then
      f[key] = ProtoField.uint8(name, field.label, base.DEC, statuses, nil, field.meaning)
    elseif key == "command" then
      f[key] = ProtoField.uint32(name, field.label, base.DEC, numbers, nil, field.meaning)
    else
      f[key] = ProtoField.uint32(name, field.label, base.DEC, nil, nil, field.meaning)
    end
  end
  f.response_in = ProtoField.framenum(L.prefix .. ".response_in", "Response in frame",
    base.NONE, frametype.RESPONSE)
  f.response_to = ProtoField.framenum(L.prefix .. ".response_to", "Response to the request in frame",
    base.NONE, frametype.REQUEST)
  f.time = ProtoField.relative_time(L.prefix .. ".time", "Time since the request")
  f.fragment = ProtoField.framenum(L.prefix .. ".fragment", "Octets from frame")
  f.sender = ProtoField.string(L.prefix .. ".sender", "Sent by", base.UNICODE, "client or server")
  f.type = ProtoField.string(L.prefix .. ".type", "Type", base.UNICODE, "the message's name")
  f.outcome = ProtoField.string(L.prefix .. ".outcome", "Outcome", base.UNICODE,
    "what a response says, such as login success")
  f.request = ProtoField.none(L.prefix .. ".request", "Request")
  f.response = ProtoField.none(L.prefix .. ".response", "Response")
  local fields = {}
  for _, field in pairs(f) do
    fields[#fields + 1] = field
  end
  reglogin.fields = fields

  -- The kind of expert information that a note is: what its key begins with, but where it matters
  -- less than others of that kind.
  local function expert_kind(key)
    return L.notes[key].expert or key:match("^[^.]+")
  end
  local experts = {}
  for key, note in pairs(L.notes) do
    local kind = expert_kind(key)
    if not e[kind] then
      local name = L.prefix .. ".note." .. kind
      e[kind] = ProtoExpert.new(name, kind:gsub("_", " "), R.groups[note.group], R.severities[note.severity])
      experts[#experts + 1] = e[kind]
    end
  end
  reglogin.experts = experts

  -- Control characters and backslashes escaped, as the rest of the tools show them.
  local function escaped(text)
    return (text:gsub("[%z\1-\31\127\\]", function(c)
      return c == "\\" and "\\\\" or ("\\x%02x"):format(c:byte())
    end))
  end

  -- A text as it is shown; nil where the message has none.
  local function value(message, key, clear)
    local octets = R.field(message.octets, L.fields[key])
    if octets ~= "" then
      local text = R.text(octets)
      local shown = clear[key] or (text == "" and key ~= "password")
      return shown and R.read_text(text) or R.MASK
    end
  end

  -- A note in brackets where rows have it.
  local function marker(note)
    local known = L.notes[note.key]
    if known.in_rows then
      local group = known.group:gsub("^%l", string.upper)
      return (" [%s: %s]"):format(group, R.note_text(note))
    end
    return ""
  end

  function R.note_text(note)
    return (L.notes[note.key].text:gsub("{(%w+)}", function(name)
      local value = note.values[name]
      if value and name == "found" then
        return R.shown_number(value, tonumber(note.key:match("^length%.(%d+)$")))
      end
      return type(value) == "number" and ("%d"):format(value) or value
    end))
  end

  local function summary(message)
    local clear = R.clear(message)
    if not message.command then
      return "Beginning of a message"
    end
    local known = L.commands[message.command]
    if not known then
      return "Unknown command " .. R.shown_number(message.command)
    end
    if known.kind == "request" then
      local user = value(message, "username", clear)
      if not user then
        return known.title
      end
      return known.title .. (user == "" and ", no user name" or ", user " .. escaped(user))
    end
    local status = clear.status and R.field(message.octets, L.fields.status):byte()
    local outcome = status and (L.statuses[status] or ("status %d"):format(status))
    local description = value(message, "description", clear)
    return known.title .. (outcome and ", " .. outcome or "")
      .. (description and description ~= "" and ": " .. escaped(description) or "")
  end

  -- The message in a line, with its notes that are warnings or worse.
  function R.info(message)
    local line = summary(message)
    for _, note in ipairs(message.notes) do
      line = line .. marker(note)
    end
    return line
  end

  local function add_notes(items, notes)
    for _, note in ipairs(notes) do
      local known = L.notes[note.key]
      local item = items[known.field] or items.message
      item:add_proto_expert_info(e[expert_kind(note.key)], R.note_text(note))
    end
  end

  -- What filters ask for: the type, whether it asks or answers, and the answer's outcome.
  local function add_kind(top, message, known, clear)
    if not known then
      return
    end
    top:add(f.type, known.name):set_generated()
    top:add(f[known.kind]):set_generated():set_hidden()
    local status = known.kind == "response" and clear.status and R.field(message.octets, L.fields.status):byte()
    if status and L.statuses[status] then
      top:add(f.outcome, known.action .. " " .. L.statuses[status]):set_generated()
    end
  end

  local function add_message(tree, message, payload)
    local range = R.range_of(message, payload, L.name)
    local top = tree:add(reglogin, range)
    top:set_text(("%s, %s"):format(L.name, R.info(message):gsub("^%u", string.lower)))
    local items = { message = top }
    local known = L.commands[message.command]
    local clear = R.clear(message)
    local keys = known and L.kinds[known.kind].fields or L.header_fields
    for _, key in ipairs(keys) do
      local field = L.fields[key]
      local len = math.min(field.width, range:len() - field.offset)
      if len > 0 and (field.kind == "text" or len == field.width) then
        local part = range:range(field.offset, len)
        if field.kind == "text" then
          items[key] = top:add(f[key], part, value(message, key, clear))
        elseif clear[key] then
          items[key] = top:add(f[key], part)
        else
          items[key] = top:add(part, field.label .. ": " .. R.MASK)
        end
      end
    end
    top:add(f.sender, message.from):set_generated()
    add_kind(top, message, known, clear)
    local peer = message.peer
    if peer and known.kind == "request" then
      top:add(f.response_in, peer.frame):set_generated()
    elseif peer then
      top:add(f.response_to, peer.frame):set_generated()
      top:add(f.time, R.time_since(peer, message)):set_generated()
    end
    if #message.sources > 1 or message.sources[1].frame ~= message.frame then
      for _, source in ipairs(message.sources) do
        top:add(f.fragment, source.frame):set_generated()
      end
    end
    add_notes(items, R.notes(message))
  end

  local function set_columns(pinfo, lines)
    if #lines > 0 then
      pinfo.cols.protocol = L.name
      pinfo.cols.info:clear_fence()
      pinfo.cols.info = table.concat(lines, " | ")
    end
  end

  -- Shows what there is to say about a frame; whether there was anything.
  function R.show(tree, pinfo, payload)
    local items = R.items(pinfo.number, pinfo.visited)
    if not items then
      return false
    end
    local lines, stray = {}, {}
    for _, item in ipairs(items) do
      if item.note then
        -- A message that began is none where the stream turns out to be something else.
        if not item.begun or R.is_ours(item.begun) then
          stray[#stray + 1] = item.note
        end
      else
        lines[#lines + 1] = R.info(item)
        add_message(tree, item, payload)
      end
    end
    if #lines == 0 and #stray == 0 then
      return false
    end
    if #stray > 0 then
      local top = tree:add(reglogin, "")
      top:set_text(L.name .. ", about the stream"):set_generated()
      add_notes({ message = top }, stray)
    end
    set_columns(pinfo, lines)
    for _, note in ipairs(stray) do
      -- A message that is cut off says itself how far it came.
      if note.key == "begun.goes_on" or (note.key:match("^begun") and #lines == 0) then
        pinfo.cols.info:append(marker(note))
      end
    end
    return true
  end

  -- Shows bytes that are part of a message which another frame completes.
  function R.show_segment(tree, range)
    tree:add(reglogin, range):set_text(L.name .. ", part of a message")
  end
end
