-- Streams of the layouts: from bytes in order to messages.
do
  -- Bytes by which a stream is told, at the most.
  local HELD = 65536

  function R.is_ours(flow)
    return type(flow.protocol) == "table"
  end

  function R.proto_of(flow)
    return flow.protocol.proto
  end

  local function role(flow, side)
    return side == flow.client and "client" or "server"
  end

  -- The field of a message that has a role.
  function R.node_of(message, role)
    for _, node in ipairs(message.read.nodes) do
      if node.field.role == role and not node.cut then
        return node
      end
    end
  end

  local function judge(layout, found, side, is_cut)
    local read = R.read(layout, found.octets, side)
    found.layout, found.kind, found.read = layout, read.kind, read
    local id = R.node_of(found, "id")
    found.id = id and found.octets:sub(id.from + 1, id.to)
    for _, fault in ipairs(read.faults) do
      if not (is_cut and (fault.key == "missing" or fault.key == "excess")) then
        local note = R.note_of("fault." .. fault.key, { from = fault.from, to = fault.to })
        note.field = fault.field
        table.insert(found.notes, note)
      end
    end
    return read
  end

  -- Puts a message among those found; `cut_by` says what ended it early.
  local function emit(flow, side, found, cut_by)
    local layout, is_cut = flow.protocol, cut_by ~= nil
    judge(layout, found, role(flow, side), is_cut)
    local kind = layout.kinds[found.kind]
    local sender = kind and kind.sender
    if sender and flow.evidence < R.CONTENT then
      local before = flow.client
      R.set_client(flow, sender == "client" and side or 3 - side, R.CONTENT)
      if flow.client ~= before then
        for at = #found.notes, 1, -1 do
          if found.notes[at].key:find("^fault") then
            table.remove(found.notes, at)
          end
        end
        judge(layout, found, role(flow, side), is_cut)
      end
    end
    found.from = role(flow, side)
    kind = layout.kinds[found.kind]
    -- What its receiver never had whole, or its side does not send, is no part of an exchange.
    found.uncounted = not kind or (kind.from and kind.from ~= found.from) or (is_cut and cut_by ~= "gap")
    R.pair(flow, side, found)
    R.put(found.frame, found)
  end

  local function found_message(work)
    work.mode = "boundary"
    if work.skipped > 0 then
      table.insert(work.notes, R.octets_note("skipped", work.skipped))
      work.skipped = 0
    end
  end

  local function pass(work, octets)
    work.skipped = work.skipped + octets
    R.drop_front(work, octets)
  end

  -- Takes what is held as far as it goes. `whole` says that nothing comes behind it.
  local function take_held(flow, side, whole)
    local work, layout = flow.work[side], flow.protocol
    while work.octets ~= "" do
      local sender = role(flow, side)
      if work.mode == "boundary" then
        local how, len = R.extent_of(layout, work.octets, sender)
        if how == "none" then
          work.mode = "search"
        elseif how == "whole" and len <= #work.octets then
          emit(flow, side, R.take_front(work, len))
        else
          return
        end
      elseif work.mode == "foretold" and work.left > 0 then
        local passed = math.min(work.left, #work.octets)
        work.left = work.left - passed
        pass(work, passed)
      elseif work.mode == "foretold" then
        local fits = R.may_begin(layout, work.octets, sender)
        local needs = fits and R.extent_of(layout, work.octets, sender) == "need"
        if needs and not whole then
          return
        elseif fits and not needs then
          found_message(work)
        else
          work.mode = "search"
        end
      elseif work.mode == "start" or work.mode == "unproven" then
        local how = R.begins(layout, work.octets, sender, whole)
        if how == "more" then
          return
        elseif how == "yes" then
          found_message(work)
        else
          work.mode = "search"
        end
      else
        local at, passed = R.find_layout(layout, work.octets, sender, whole)
        if at == 0 then
          found_message(work)
        elseif (at or passed) == 0 then
          return
        else
          pass(work, at or passed)
        end
      end
    end
  end

  local function take(flow, side, run)
    R.append(flow.work[side], run)
    take_held(flow, side)
  end

  local function clear(work)
    work.octets, work.sources, work.skipped, work.notes = "", {}, 0, {}
  end

  -- Settles what the stream speaks; the direction that settled it is taken last.
  local function decide(flow, from, layout, at)
    flow.protocol = layout
    for side = 1, 2 do
      local work = flow.work[side]
      if work.mode ~= "start" then
        work.mode = "search"
      elseif flow.syn[side] then
        work.mode = "boundary"
      end
    end
    pass(flow.work[from], at)
    found_message(flow.work[from])
    take_held(flow, 3 - from)
    take_held(flow, from)
  end

  local function is_on_own_port(flow, layout)
    return R.is_expected(flow.ends[1].port, layout) or R.is_expected(flow.ends[2].port, layout)
  end

  -- The layouts' word on bytes that a side sent first: a layout and how many bytes stand before its message, "more" or nil.
  local function identify(flow, side, octets, setting)
    local best, best_own, best_bits, unsure
    local sender = role(flow, side)
    local senders = { sender, flow.evidence < R.WATCHED_PORT and (sender == "client" and "server" or "client") or nil }
    for _, layout in ipairs(L.layouts) do
      local own_port = is_on_own_port(flow, layout)
      local asked = { own_port = own_port, from_start = setting.from_start,
        one_segment = setting.one_segment, whole = setting.whole }
      for _, from in ipairs(senders) do
        local how, bits = R.opens_layout(layout, octets, from, asked)
        if how == "more" then
          unsure = true
        elseif how == "yes" then
          local better = not best or (own_port and not best_own) or (own_port == best_own and bits > best_bits)
          if better then
            best, best_own, best_bits = layout, own_port, bits
          end
        end
      end
    end
    -- Text and a handshake say more than a header of few bits.
    local named = R.named_by_start(octets)
    if best and (not named or best_bits >= L.enough) then
      return best, 0
    elseif named then
      return nil
    elseif unsure then
      return "more"
    elseif setting.from_start then
      return nil
    end
    for _, layout in ipairs(L.layouts) do
      if is_on_own_port(flow, layout) then
        local at, passed = R.find_layout(layout, octets, sender, setting.whole)
        if at then
          return layout, at
        end
        unsure = unsure or passed < #octets
      end
    end
    return unsure and "more" or nil
  end

  local function probe(flow, side, run)
    local work = flow.work[side]
    if work.mode == "unproven" then
      return
    end
    local setting = {
      from_start = flow.syn[side] and work.mode == "start",
      one_segment = work.octets == "",
    }
    R.append(work, run)
    local layout, at = identify(flow, side, work.octets, setting)
    if type(layout) == "table" then
      decide(flow, side, layout, at)
    elseif layout == "more" and #work.octets <= HELD then
      return
    else
      if setting.from_start then
        work.mode = "unproven"
      end
      R.drop_front(work, #work.octets)
      if work.mode == "unproven" and flow.work[3 - side].mode == "unproven" then
        flow.protocol = "other"
      end
    end
  end

  -- Gives the message that is begun as far as it goes.
  local function cut(flow, side, by)
    local work, layout = flow.work[side], flow.protocol
    local have = #work.octets
    if have == 0 then
      return
    elseif work.mode ~= "boundary" then
      pass(work, have)
      return
    end
    local how, need = R.extent_of(layout, work.octets, role(flow, side))
    if how == "need" then
      need = math.max(need, layout.least)
    end
    local found = R.take_front(work, have)
    table.insert(found.notes, R.note_of("cut_off." .. by, { have = have, need = need or have }))
    emit(flow, side, found, by)
  end

  local function gap(flow, side, octets)
    local work, layout = flow.work[side], flow.protocol
    local sender, have = role(flow, side), #work.octets
    local size = layout.sizes[sender]
    local left
    if (work.mode == "boundary" or (work.mode == "foretold" and work.left == 0)) and have > 0 then
      local how, len = R.extent_of(layout, work.octets, sender)
      local whole = how == "whole" and len or how == "need" and size or nil
      left = whole and whole >= have and whole - have or nil
    elseif work.mode == "boundary" then
      left = 0
    elseif work.mode == "foretold" then
      left = work.left
    end
    local headless = have > 0 and have < layout.least and 1 or 0
    cut(flow, side, "gap")
    local behind, missing
    if left and octets < left then
      behind = left - octets
    elseif left and octets == left then
      behind = 0
    elseif left and size then
      behind = (size - (octets - left) % size) % size
    end
    if left and size then
      missing = math.ceil(math.max(octets - left, 0) / size) + headless
    elseif left and left >= octets then
      missing = headless
    end
    work.mode, work.left = behind and "foretold" or "search", behind
    table.insert(work.notes, R.octets_note("gap", octets))
    if missing ~= 0 then
      R.lost(flow, side, missing, octets)
    end
  end

  local function ended(flow, side, by, arrival)
    local work = flow.work[side]
    if not flow.protocol and work.octets ~= "" then
      local setting = { from_start = flow.syn[side] and work.mode == "start", one_segment = false, whole = true }
      local layout, at = identify(flow, side, work.octets, setting)
      if type(layout) == "table" then
        decide(flow, side, layout, at)
      end
    end
    if not R.is_ours(flow) then
      clear(work)
      return
    end
    take_held(flow, side, true)
    cut(flow, side, by)
    for _, note in ipairs(work.notes) do
      R.put(arrival.frame, { note = note, layout = flow.protocol })
    end
    if work.skipped > 0 then
      R.put(arrival.frame, { note = R.octets_note("skipped", work.skipped), layout = flow.protocol })
    end
    clear(work)
    if side ~= flow.client or by ~= "fin" then
      R.unanswered(flow, 3 - side)
    end
    if side == flow.client or by ~= "fin" then
      R.unasked(flow, side)
    end
  end

  -- What the TCP part tells of the bytes that `side` of `flow` sent.
  function R.handler(flow, side, arrival)
    local function remark(key, values)
      R.remark(flow, arrival.frame, key, values)
    end
    return {
      octets = function(run)
        if R.is_ours(flow) then
          take(flow, side, run)
        elseif not flow.protocol then
          probe(flow, side, run)
        end
      end,
      gap = function(octets)
        local work = flow.work[side]
        if R.is_ours(flow) then
          gap(flow, side, octets)
        elseif not flow.protocol then
          pass(work, #work.octets)
          work.mode = "search"
          table.insert(work.notes, R.octets_note("gap", octets))
        end
      end,
      conflict = function(frame, from, to)
        remark("conflict", { frame = frame, from = from, to = to - 1 })
      end,
      given_up = function(octets)
        local note = R.octets_note("given_up", octets)
        remark(note.key, note.values)
      end,
      remark = remark,
      reset_cause = function(words)
        remark("reset_cause", { words = #words .. " octets of words, not shown" })
      end,
      ended = function(by)
        ended(flow, side, by, arrival)
      end,
    }
  end

  -- Whether the dissector keeps other protocols' dissectors from the flow's data.
  function R.claims(flow)
    if flow.protocol then
      return R.is_ours(flow)
    end
    for side = 1, 2 do
      if flow.work[side].octets ~= "" and R.looks_right(flow.work[side].octets) then
        return true
      end
    end
    return false
  end

  -- Whether bytes begin with a message of a layout, as far as they go.
  function R.looks_right(octets)
    for _, layout in ipairs(L.layouts) do
      for _, sender in ipairs({ "client", "server" }) do
        if octets ~= "" and R.begins(layout, octets, sender) == "yes" then
          return true
        end
      end
    end
    return false
  end

  R.protos = L.layouts
end
