-- Messages of the layouts in the packet list and in the details tree.
do
  R.MASK = L.secret.mask

  -- The values of an enum as Wireshark's tables have them, where its numbers can.
  local function value_strings(field)
    if not field.names or field.width > 4 then
      return nil
    end
    local strings = {}
    for octets, name in pairs(field.names) do
      strings[R.number(octets, field.signed)] = name
    end
    return strings
  end

  local function proto_field(field)
    local name, label = field.abbrev, field.label
    if field.kind == "text" then
      return ProtoField.string(name, label, base.UNICODE)
    elseif field.kind == "bytes" then
      return ProtoField.bytes(name, label)
    elseif field.kind == "float" then
      return field.width == 4 and ProtoField.float(name, label) or ProtoField.double(name, label)
    elseif field.kind == "record" then
      return ProtoField.none(name, label)
    elseif field.kind == "flags" then
      return ProtoField["uint" .. field.width * 8](name, label, base.HEX)
    end
    local make = (field.signed and "int" or "uint") .. field.width * 8
    return ProtoField[make](name, label, base.DEC, value_strings(field))
  end

  -- A layout's own fields and those that every layout has; a layout's own win.
  for _, layout in ipairs(L.layouts) do
    local proto, f, e = Proto(layout.prefix, layout.title), {}, {}
    layout.proto, layout.f, layout.e = proto, f, e
    for _, part in ipairs(layout.shown) do
      for _, field in ipairs(layout.parts[part.part].fields) do
        local abbrev = layout.prefix .. "." .. part.path .. field.key
        if not f[abbrev] then
          local named = setmetatable({ abbrev = abbrev }, { __index = field })
          f[abbrev] = { field = proto_field(named), kind = field.kind, width = field.width, signed = field.signed }
        end
      end
    end
    local function generated(key, make, ...)
      local abbrev = layout.prefix .. "." .. key
      if not f[abbrev] then
        f[abbrev] = { field = make(abbrev, ...) }
        layout.g[key] = f[abbrev].field
      end
    end
    layout.g = {}
    generated("type", ProtoField.string, "Type", base.UNICODE, "the name of the message's kind")
    generated("sender", ProtoField.string, "Sent by", base.UNICODE, "client or server")
    generated("user", ProtoField.string, "User", base.UNICODE)
    generated("outcome", ProtoField.string, "Outcome", base.UNICODE, "success or failure")
    generated("data", ProtoField.bytes, "Data")
    generated("response_in", ProtoField.framenum, "Response in frame", base.NONE, frametype.RESPONSE)
    generated("response_to", ProtoField.framenum, "Response to the request in frame", base.NONE, frametype.REQUEST)
    generated("time", ProtoField.relative_time, "Time since the request")
    generated("fragment", ProtoField.framenum, "Octets from frame")
    local fields = {}
    for _, known in pairs(f) do
      fields[#fields + 1] = known.field
    end
    proto.fields = fields
    local experts = {}
    for key, note in pairs(L.notes) do
      local kind = note.expert or key:match("^[^.]+")
      if not e[kind] then
        e[kind] = ProtoExpert.new(layout.prefix .. ".note." .. kind, kind:gsub("_", " "),
          R.groups[note.group], R.severities[note.severity])
        experts[#experts + 1] = e[kind]
      end
    end
    proto.experts = experts
  end

  local function hides(layout)
    return layout.proto.prefs.hide_passwords
  end

  local CHECKS = { crc32 = true, sum8 = true, internet = true }

  -- Whether a secret begins before a place.
  local function has_secret(nodes, place)
    for _, node in ipairs(nodes) do
      if node.from >= place then
        return false
      elseif node.field.secret then
        return true
      end
      for _, inner in ipairs(node.records or {}) do
        if has_secret(inner, place) then
          return true
        end
      end
    end
    return false
  end

  -- Whether something is left behind a text before a place.
  local function has_left(faults, place)
    for _, fault in ipairs(faults) do
      if fault.key == "fill" and fault.from < place then
        return true
      end
    end
    return false
  end

  -- Whether a value may give a secret away: it is one, or a check that covers one, or what is left behind a text in a layout
  -- with secrets.
  local function is_hidden(message, node)
    if not hides(message.layout) then
      return false
    elseif node.field.secret or not CHECKS[node.field.role] then
      return node.field.secret
    end
    local read = message.read
    return has_secret(read.nodes, node.from)
      or (message.layout.has_secrets and has_left(read.faults, node.from))
  end

  local function escaped(text)
    return (R.read_text(text):gsub("[%z\1-\31\127\\]", function(c)
      return c == "\\" and "\\\\" or ("\\x%02x"):format(c:byte())
    end))
  end

  local function shown_integer(field, octets)
    if #octets > 6 then
      return tostring((field.signed and Int64 or UInt64).decode(octets, false))
    end
    return ("%d"):format(R.number(octets, field.signed))
  end

  -- A value in words.
  local function in_words(message, node)
    local field = node.field
    if is_hidden(message, node) then
      return R.MASK
    elseif field.kind == "text" then
      return escaped(node.value)
    elseif field.kind == "integer" then
      local name = field.names and (field.names[node.value] or "unknown")
      return shown_integer(field, node.value) .. (name and " (" .. name .. ")" or "")
    elseif node.value then
      return (node.value:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
    end
    return ""
  end

  -- Whether a response says success; nil where it says neither.
  local function said(message)
    local node = R.node_of(message, "outcome")
    if not node or is_hidden(message, node) then
      return nil
    end
    local outcome = node.field.said and node.field.said[node.value]
    return outcome, node
  end

  local function summary(message)
    local layout = message.layout
    if #message.octets < layout.least then
      return "Beginning of a message"
    end
    local kind = layout.kinds[message.kind]
    local line
    if kind then
      line = kind.name:gsub("^%l", string.upper)
    else
      local node = R.node_of(message, "kind")
      line = "Unknown kind" .. (node and " " .. in_words(message, node) or "")
    end
    local user = R.node_of(message, "user")
    if user then
      local name = in_words(message, user)
      line = line .. (name == "" and ", no user" or ", user " .. name)
    end
    local outcome, node = said(message)
    node = node or R.node_of(message, "outcome")
    if node then
      line = line .. ", " .. (outcome or node.field.label:lower() .. " " .. in_words(message, node))
      for _, other in ipairs(message.read.nodes) do
        local field = other.field
        if field.kind == "text" and not field.role and not field.constant and not other.cut then
          local text = in_words(message, other)
          return line .. (text ~= "" and ": " .. text or "")
        end
      end
    end
    return line
  end

  function R.note_text(note)
    return (L.notes[note.key].text:gsub("{(%w+)}", function(name)
      local value = note.values[name]
      return type(value) == "number" and ("%d"):format(value) or value
    end))
  end

  local function marker(note)
    local known = L.notes[note.key]
    if not known.in_rows then
      return ""
    end
    local label = note.field and note.field.label .. ": " or ""
    return (" [%s: %s%s]"):format(known.group:gsub("^%l", string.upper), label, R.note_text(note))
  end

  function R.info(message)
    local line = summary(message)
    for _, note in ipairs(message.notes) do
      line = line .. marker(note)
    end
    return line
  end

  local function add_notes(layout, top, items, notes)
    for _, note in ipairs(notes) do
      local known = L.notes[note.key]
      local item = note.field and items[note.field] or top
      item:add_proto_expert_info(layout.e[known.expert or note.key:match("^[^.]+")], R.note_text(note))
    end
  end

  local function flag_names(field, octets)
    local value, names = R.number(octets), {}
    for _, named in ipairs(field.bits) do
      if math.floor(value / 2 ^ named[1]) % 2 == 1 then
        names[#names + 1] = named[2]
      end
    end
    return table.concat(names, ", ")
  end

  local function is_wrong(read, node)
    for _, fault in ipairs(read.faults) do
      if fault.key == "check" and fault.from == node.from then
        return true
      end
    end
    return false
  end

  local add_nodes

  local function add_node(message, tree, node, path, range, items)
    local layout, field = message.layout, node.field
    local abbrev = layout.prefix .. "." .. path .. field.key
    local known = layout.f[abbrev]
    if node.to == node.from then
      -- Without bytes there is no place in the bytes pane.
      if field.kind == "text" then
        items[field] = tree:add(known.field, is_hidden(message, node) and R.MASK or "")
      end
      return
    end
    local part = range:range(node.from, node.to - node.from)
    if node.cut then
      items[field] = tree:add(part, field.label .. ": cut off")
      return
    end
    if field.kind == "record" then
      for number, inner in ipairs(node.records) do
        local from, to = inner.from or node.from, inner.to or node.to
        local item = tree:add(known.field, range:range(from, to - from))
        item:set_text(field.count and ("%s %d"):format(field.label, number) or field.label)
        items[field] = items[field] or item
        add_nodes(message, item, inner, path .. field.key .. ".", range, items)
      end
      return
    end
    if is_hidden(message, node) then
      if field.kind == "text" then
        items[field] = tree:add(known.field, part, R.MASK)
      else
        local judged = CHECKS[field.role] and (" (%s)"):format(is_wrong(message.read, node) and "wrong" or "right") or ""
        items[field] = tree:add(part, field.label .. ": " .. R.MASK .. judged)
      end
    elseif field.kind == "text" then
      items[field] = tree:add(known.field, part, (R.read_text(node.value)))
    elseif field.kind == "bytes" then
      -- Wireshark takes a value of bytes from where it stands only.
      if node.value == "" then
        items[field] = tree:add(part, field.label .. ": none")
      else
        items[field] = tree:add(known.field, range:range(node.to - #node.value, #node.value))
      end
    elseif known.kind == field.kind and known.width == field.width and known.signed == field.signed then
      local add = field.little and tree.add_le or tree.add
      items[field] = add(tree, known.field, part)
    elseif field.kind == "float" then
      local value = field.little and part:le_float() or part:float()
      items[field] = tree:add(known.field, part, value)
    else
      -- The same key has another width in another part.
      local value = R.number(node.value, field.signed)
      if known.width > 4 then
        value = known.signed and Int64(value) or UInt64(value)
      end
      items[field] = tree:add(known.field, part, value)
    end
    if field.bits and not is_hidden(message, node) then
      local names = flag_names(field, node.value)
      items[field]:append_text(names ~= "" and " (" .. names .. ")" or "")
    end
  end

  add_nodes = function(message, tree, nodes, path, range, items)
    for _, node in ipairs(nodes) do
      add_node(message, tree, node, path, range, items)
    end
  end

  local function add_generated(message, top)
    local layout, g = message.layout, message.layout.g
    local kind = layout.kinds[message.kind]
    local own = {}
    for _, node in ipairs(message.read.nodes) do
      own[node.field.key] = true
    end
    local function add(key, value)
      if g[key] and value ~= nil and not own[key] then
        top:add(g[key], value):set_generated()
      end
    end
    add("sender", message.from)
    add("type", kind and kind.name)
    local user = R.node_of(message, "user")
    add("user", user and in_words(message, user))
    local peer = message.peer
    add("outcome", (said(message)) or (peer and message.is_request and said(peer)) or nil)
    if peer and message.is_request then
      add("response_in", peer.frame)
    elseif peer then
      add("response_to", peer.frame)
      add("time", R.time_since(peer, message))
    end
    if #message.sources > 1 or message.sources[1].frame ~= message.frame then
      for _, source in ipairs(message.sources) do
        add("fragment", source.frame)
      end
    end
  end

  local function add_message(tree, message, payload)
    local layout, read = message.layout, message.read
    local range = R.range_of(message, payload, message.layout.name)
    local top = tree:add(layout.proto, range)
    top:set_text(("%s, %s"):format(layout.name, R.info(message):gsub("^%u", string.lower)))
    local items = {}
    add_nodes(message, top, read.nodes, "", range, items)
    if read.data and read.data < #message.octets then
      local part = range:range(read.data, #message.octets - read.data)
      if layout.has_secrets and hides(layout) then
        top:add(part, "Data: " .. R.MASK)
      elseif layout.g.data then
        top:add(layout.g.data, part)
      end
    end
    add_generated(message, top)
    add_notes(layout, top, items, R.notes(message))
  end

  -- Shows what there is to say about a frame; whether there was anything.
  function R.show(tree, pinfo, payload)
    local found = R.items(pinfo.number, pinfo.visited)
    if not found then
      return false
    end
    local lines, name = {}, nil
    for _, item in ipairs(found) do
      if item.note then
        local layout = item.layout or (item.flow and R.is_ours(item.flow) and item.flow.protocol)
        if layout then
          local top = tree:add(layout.proto, "")
          top:set_text(layout.name .. ", about the stream"):set_generated()
          add_notes(layout, top, {}, { item.note })
        end
      else
        lines[#lines + 1] = R.info(item)
        name = name or item.layout.name
        add_message(tree, item, payload)
      end
    end
    if #lines > 0 then
      pinfo.cols.protocol = name
      pinfo.cols.info:clear_fence()
      pinfo.cols.info = table.concat(lines, " | ")
    end
    return true
  end

  -- Shows bytes that are part of a message which another frame completes.
  function R.show_segment(tree, range)
    local flow = R.by_frame[R.shown]
    local layout = flow and R.is_ours(flow) and flow.protocol or L.layouts[1]
    tree:add(layout.proto, range):set_text(layout.name .. ", part of a message")
  end
end
