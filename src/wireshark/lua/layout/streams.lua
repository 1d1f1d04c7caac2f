-- Streams of the layouts: from octets in order to messages, and from messages to exchanges.
do
  local MAX_WAITING = 16384
  -- Octets by which a stream is told, at the most.
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

  local function without_peer(message, key)
    if message.kind then
      R.without_peer(message, key)
    end
  end

  local function is_answered_by(request, response)
    if not request.kind then
      return not response.id
    end
    local answers = request.layout.kinds[request.kind].responses
    return answers[response.kind] and (not request.id or not response.id or request.id == response.id)
  end

  local function marry(request, response)
    request.is_request = true
    R.marry(request, response)
  end

  -- What one side asked.
  local function asker(flow, side)
    flow.waiting[side] = flow.waiting[side] or { requests = {}, early = {} }
    return flow.waiting[side]
  end

  local function before_its_request(asked, response)
    local ack = R.last_ack(response)
    local all_seen = asked.to and not (ack and R.since(ack, asked.to) > 0)
    if #asked.early == 0 and all_seen then
      table.insert(response.notes, R.note_of("no_request"))
      return
    end
    if #asked.early >= MAX_WAITING then
      without_peer(table.remove(asked.early, 1), "no_request")
    end
    table.insert(asked.early, response)
  end

  -- Takes a response; whether it is one, or is told that there is no request.
  local function pair_response(asked, response, answers_only)
    for at, request in ipairs(asked.requests) do
      if is_answered_by(request, response) then
        if not request.kind then
          table.insert(response.notes, R.note_of("no_request"))
          table.remove(asked.requests, at)
        elseif not response.id and R.answers_earlier(request, response) then
          if answers_only then
            table.insert(response.notes, R.note_of("no_request"))
          end
          return answers_only
        else
          table.remove(asked.requests, at)
          marry(request, response)
        end
        return true
      end
    end
    if answers_only then
      before_its_request(asked, response)
    end
    return answers_only
  end

  local function pair_request(asked, request)
    local last = asked.requests[#asked.requests]
    if last and last.kind and not request.id then
      table.insert(request.notes, R.note_of("pipelined", { after = last.frame }))
    end
    asked.to = request.stop
    local at = 1
    while asked.early[at] do
      local early = asked.early[at]
      local fits = request.id or not R.answers_earlier(request, early)
      if fits and is_answered_by(request, early) then
        table.remove(asked.early, at)
        marry(request, early)
        if early.time < request.time then
          table.insert(request.notes, R.note_of("answered_before", { response = early.frame }))
        end
        return
      elseif fits then
        at = at + 1
      else
        without_peer(table.remove(asked.early, at), "no_request")
      end
    end
    if #asked.requests < MAX_WAITING then
      table.insert(asked.requests, request)
    else
      table.insert(request.notes, R.note_of("not_paired"))
    end
  end

  local function pair(flow, side, message)
    local kind = message.layout.kinds[message.kind]
    if not kind or message.uncounted then
      return
    end
    local asks = next(kind.responses) ~= nil
    local answered = kind.answers and pair_response(asker(flow, 3 - side), message, not asks)
    if not answered and asks then
      pair_request(asker(flow, side), message)
    end
  end

  local function all_unanswered(flow, side)
    local asked = asker(flow, side)
    for _, request in ipairs(asked.requests) do
      without_peer(request, "unanswered")
    end
    asked.requests = {}
  end

  local function all_unasked(flow, side)
    local asked = asker(flow, side)
    for _, response in ipairs(asked.early) do
      without_peer(response, "no_request")
    end
    asked.early = {}
  end

  function R.all_unanswered(flow)
    all_unanswered(flow, 1)
    all_unanswered(flow, 2)
  end

  function R.all_unasked(flow)
    all_unasked(flow, 1)
    all_unasked(flow, 2)
  end

  -- Gives a copy of a flow lists of its own; the messages in them stay the same.
  function R.copy_waiting(flow, copy)
    copy.waiting = {}
    for side, asked in pairs(flow.waiting) do
      copy.waiting[side] = {
        requests = { table.unpack(asked.requests) }, early = { table.unpack(asked.early) }, to = asked.to,
      }
    end
  end

  -- The least octets of a request's response.
  local function response_size(request)
    local least
    for index in pairs(request.layout.kinds[request.kind].responses) do
      local size = request.layout.kinds[index].size or request.layout.least
      least = math.min(least or size, size)
    end
    return math.max(least or 1, 1)
  end

  -- Messages that a side sent were never captured: as many, where that is known, in a gap of so many octets.
  local function lost(flow, side, messages, octets)
    local asked = asker(flow, side)
    for _ = 1, math.min(messages or 0, MAX_WAITING) do
      if #asked.requests < MAX_WAITING then
        table.insert(asked.requests, {})
      end
    end
    local other, left, count = asker(flow, 3 - side), octets, messages or math.huge
    while count > 0 and left > 0 do
      local first = other.requests[1]
      if not first or first.id then
        break
      end
      left = left - (first.kind and response_size(first) or 1)
      count = count - 1
      without_peer(table.remove(other.requests, 1), "unanswered")
    end
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

  local function emit(flow, side, found, is_cut)
    local layout = flow.protocol
    judge(layout, found, role(flow, side), is_cut)
    local kind = layout.kinds[found.kind]
    local sender = kind and (kind.side or kind.from)
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
    if not kind or (kind.from and kind.from ~= found.from) then
      found.uncounted = true
    end
    pair(flow, side, found)
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

  -- Takes what is held as far as it goes.
  local function take_held(flow, side)
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
        if fits and R.extent_of(layout, work.octets, sender) == "need" then
          return
        elseif fits then
          found_message(work)
        else
          work.mode = "search"
        end
      elseif work.mode == "start" or work.mode == "unproven" then
        local how = R.begins(layout, work.octets, sender)
        if how == "more" then
          return
        elseif how == "yes" then
          found_message(work)
        else
          work.mode = "search"
        end
      else
        local at, passed = R.find_layout(layout, work.octets, sender)
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
    pass(flow.work[from], at)
    found_message(flow.work[from])
    take_held(flow, 3 - from)
    take_held(flow, from)
  end

  -- The layouts' word on octets that a side sent first: a layout and how many octets stand before its message, "more" or nil.
  local function identify(flow, side, octets, setting)
    local best, weight, unsure
    local sender = role(flow, side)
    for _, layout in ipairs(L.layouts) do
      local own_port = R.is_expected(flow.ends[1].port, layout) or R.is_expected(flow.ends[2].port, layout)
      local asked = { own_port = own_port, from_start = setting.from_start,
        one_segment = setting.one_segment, whole = setting.whole }
      local how = R.opens_layout(layout, octets, sender, asked)
      if how == "no" and flow.evidence < R.CONTENT then
        how = R.opens_layout(layout, octets, sender == "client" and "server" or "client", asked)
      end
      if how == "yes" then
        local own_weight = (own_port and 1000 or 0) + layout.best_bits
        if not best or own_weight > weight then
          best, weight = layout, own_weight
        end
      elseif how == "more" then
        unsure = true
      end
    end
    if best then
      return best, 0
    elseif unsure then
      return "more"
    elseif setting.from_start then
      return nil
    end
    for _, layout in ipairs(L.layouts) do
      if R.is_expected(flow.ends[1].port, layout) or R.is_expected(flow.ends[2].port, layout) then
        local at, passed = R.find_layout(layout, octets, sender)
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
      work.skipped = setting.from_start and 0 or work.skipped + #work.octets
      R.drop_front(work, #work.octets)
      if work.mode == "unproven" and flow.work[3 - side].mode == "unproven" then
        flow.protocol = "other"
      end
    end
  end

  -- The size of every message that a side sends, where all have one.
  local function size_from(layout, sender)
    return layout.sizes[sender]
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
    emit(flow, side, found, true)
  end

  local function gap(flow, side, octets)
    local work, layout = flow.work[side], flow.protocol
    local sender, have = role(flow, side), #work.octets
    local size = size_from(layout, sender)
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
      lost(flow, side, missing, octets)
    end
  end

  local function ended(flow, side, by, arrival)
    local work = flow.work[side]
    if not flow.protocol and work.octets ~= "" then
      local setting = { from_start = flow.syn[side] and work.mode == "start", one_segment = true, whole = true }
      local layout, at = identify(flow, side, work.octets, setting)
      if type(layout) == "table" then
        decide(flow, side, layout, at)
      end
    end
    if not R.is_ours(flow) then
      clear(work)
      return
    end
    cut(flow, side, by)
    for _, note in ipairs(work.notes) do
      R.put(arrival.frame, { note = note, layout = flow.protocol })
    end
    if work.skipped > 0 then
      R.put(arrival.frame, { note = R.octets_note("skipped", work.skipped), layout = flow.protocol })
    end
    clear(work)
    if side ~= flow.client or by ~= "fin" then
      all_unanswered(flow, 3 - side)
    end
    if side == flow.client or by ~= "fin" then
      all_unasked(flow, side)
    end
  end

  -- What the TCP part tells of the octets that `side` of `flow` sent.
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

  -- Whether octets begin with a message of a layout, as far as they go.
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
