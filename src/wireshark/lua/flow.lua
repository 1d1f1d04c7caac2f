-- Connections: from octets in order to messages, and from messages to exchanges.
do
  local LOOK_AHEAD_KEPT = 15
  -- How it is known who the client is; the better evidence wins.
  local LOWER_PORT, CONTENT, WATCHED_PORT, HANDSHAKE = 1, 2, 3, 4

  -- All that is known of the capture that is open.
  function R.reset()
    -- Flows by addresses and ports; the flow of each frame that has data; findings by frame.
    R.flows, R.by_frame, R.frames, R.tried = {}, {}, {}, nil
    R.all_flows = {}
  end
  R.reset()

  local function new_flow(segment)
    local addresses = segment.addresses or {}
    local flow = {
      ends = {
        { octets = segment.source, address = addresses[1], port = segment.ports[1] },
        { octets = segment.destination, address = addresses[2], port = segment.ports[2] },
      },
      watched = segment.watched,
      directions = { R.direction(), R.direction() },
      work = {},
      syn = {},
      waiting = {},
    }
    local near, far = segment.expected[1], segment.expected[2]
    if near ~= far then
      flow.client, flow.evidence = near and 2 or 1, WATCHED_PORT
    else
      flow.client = segment.ports[1] < segment.ports[2] and 2 or 1
      flow.evidence = LOWER_PORT
    end
    for side = 1, 2 do
      flow.work[side] = { mode = "start", octets = "", sources = {}, skipped = 0, notes = {} }
    end
    return flow
  end

  -- The segment's flow; `segment.side` says afterwards which of its sides sent it. A SYN with
  -- another sequence number than the flow's first opens a connection of its own.
  function R.flow(segment)
    local near = segment.source .. ":" .. segment.ports[1]
    local far = segment.destination .. ":" .. segment.ports[2]
    local flow = R.flows[near .. far]
    segment.side = 1
    if not flow then
      flow = R.flows[far .. near]
      segment.side = 2
    end
    if flow and R.opens(segment.flags) then
      local base = flow.directions[segment.side].base
      if base and base ~= segment.seq then
        R.flows[near .. far], R.flows[far .. near] = nil, nil
        R.close(flow)
        flow = nil
      end
    end
    if not flow then
      flow = new_flow(segment)
      segment.side = 1
      R.flows[near .. far] = flow
      R.all_flows[#R.all_flows + 1] = flow
    end
    flow.watched = flow.watched or segment.watched
    return flow
  end

  local function set_client(flow, side, evidence)
    if evidence > flow.evidence then
      flow.client, flow.evidence = side, evidence
    end
  end

  -- Puts something to be shown with a frame.
  local function put(number, item)
    local frames = R.preview and R.preview.frames or R.frames
    frames[number] = frames[number] or {}
    table.insert(frames[number], item)
  end

  local function emit(flow, side, found)
    found.length, found.command = R.word(found.octets, 1), R.word(found.octets, 5)
    local known = found.command and L.commands[found.command]
    if known and flow.evidence < CONTENT then
      local client = known.kind == "request" and side or 3 - side
      set_client(flow, client, CONTENT)
    end
    found.from = side == flow.client and "client" or "server"
    if known and (known.kind == "request") ~= (found.from == "client") then
      table.insert(found.notes, R.note_of("wrong_direction." .. found.command))
      found.uncounted = true
    end
    R.pair(flow, found)
    put(found.frame, found)
  end

  local function judge(found)
    R.judge(found.octets, function(key, values)
      table.insert(found.notes, R.note_of(key, values))
    end)
  end

  local function append(work, run, arrival)
    table.insert(work.sources, {
      frame = run.frame,
      offset = run.offset,
      start = #work.octets,
      len = #run.octets,
    })
    work.octets = work.octets .. run.octets
    work.frame, work.time = arrival.frame, arrival.time
  end

  local function drop_front(work, octets)
    work.octets = work.octets:sub(octets + 1)
    local kept = {}
    for _, source in ipairs(work.sources) do
      local start = source.start - octets
      local cut = math.max(-start, 0)
      if source.len > cut then
        kept[#kept + 1] = {
          frame = source.frame,
          offset = source.offset + cut,
          start = math.max(start, 0),
          len = source.len - cut,
        }
      end
    end
    work.sources = kept
  end

  local function take_front(work, octets)
    local found = {
      octets = work.octets:sub(1, octets),
      sources = {},
      notes = work.notes,
      frame = work.frame,
      time = work.time,
    }
    work.notes = {}
    for _, source in ipairs(work.sources) do
      if source.start < octets then
        found.sources[#found.sources + 1] = {
          frame = source.frame,
          offset = source.offset,
          start = source.start,
          len = math.min(source.len, octets - source.start),
        }
      end
    end
    drop_front(work, octets)
    return found
  end

  -- Takes octets of a RegLogin stream, or of one that is searched for a header.
  local function take(flow, side, run, arrival)
    local work = flow.work[side]
    if work.mode == "start" then
      work.mode = flow.syn[side] and "boundary" or "search"
    end
    append(work, run, arrival)
    while work.octets ~= "" do
      if work.mode == "search" then
        local at = R.find_header(work.octets)
        local passed = at or math.max(#work.octets - LOOK_AHEAD_KEPT, 0)
        work.skipped = work.skipped + passed
        drop_front(work, passed)
        if not at then
          return
        end
        work.mode = "boundary"
        flow.protocol = "reglogin"
        if work.skipped > 0 then
          table.insert(work.notes, R.octets_note("skipped", work.skipped))
          work.skipped = 0
        end
      end
      local verdict, len = R.extent(work.octets)
      if verdict == "need" then
        return
      end
      if verdict == "wrong" then
        work.mode = "search"
      end
      local found = take_front(work, len)
      judge(found)
      emit(flow, side, found)
    end
  end

  local function clear(work)
    work.octets, work.sources, work.skipped, work.notes = "", {}, 0, {}
  end

  -- Takes the octets held of a direction as if they came now.
  local function retake(flow, side, arrival)
    local work = flow.work[side]
    local octets, sources = work.octets, work.sources
    clear(work)
    for _, source in ipairs(sources) do
      local part = octets:sub(source.start + 1, source.start + source.len)
      take(flow, side, { octets = part, frame = source.frame, offset = source.offset }, arrival)
    end
  end

  local function decide(flow, protocol, arrival)
    flow.protocol = protocol
    for side = 1, 2 do
      if protocol == "reglogin" then
        retake(flow, side, arrival)
      else
        clear(flow.work[side])
      end
    end
  end

  -- Takes octets of a stream whose protocol is not known yet.
  local function probe(flow, side, run, arrival)
    local work = flow.work[side]
    if work.mode == "search" then
      -- Amid a stream on a watched port: another protocol shows at the start of a segment.
      local foreign = R.foreign(run.octets)
      if foreign then
        decide(flow, foreign, arrival)
      else
        take(flow, side, run, arrival)
      end
      return
    end
    append(work, run, arrival)
    local protocol = R.identify(work.octets, flow.watched, false)
    if protocol == "reglogin" and flow.watched and not flow.syn[side] then
      work.mode = "search"
      retake(flow, side, arrival)
    elseif protocol == "data" and not flow.syn[side] then
      clear(work)
    elseif protocol then
      decide(flow, protocol, arrival)
    end
  end

  -- Gives the message that is begun as far as it goes.
  local function cut(flow, side, by)
    local work = flow.work[side]
    local have = #work.octets
    if have == 0 then
      return
    end
    if work.mode ~= "boundary" or flow.protocol ~= "reglogin" then
      work.skipped = work.skipped + have
      drop_front(work, have)
      return
    end
    local _, need = R.extent(work.octets)
    local found = take_front(work, have)
    found.uncounted = by ~= "gap"
    judge(found)
    table.insert(found.notes, R.note_of("cut_off." .. by, { have = have, need = need }))
    emit(flow, side, found)
  end

  local function ended(flow, side, by, arrival)
    local work = flow.work[side]
    if not flow.protocol and work.mode == "start" and work.octets ~= ""
      and R.identify(work.octets, flow.watched, true) == "reglogin" then
      decide(flow, "reglogin", arrival)
    end
    if flow.protocol ~= "reglogin" then
      clear(work)
      return
    end
    cut(flow, side, by)
    for _, note in ipairs(work.notes) do
      put(arrival.frame, { note = note })
    end
    if work.skipped > 0 then
      put(arrival.frame, { note = R.octets_note("skipped", work.skipped) })
    end
    clear(work)
    if side ~= flow.client or by ~= "fin" then
      for _, request in ipairs(flow.waiting) do
        R.unanswered(request)
      end
      flow.waiting = {}
    end
  end

  -- What the TCP part tells of the octets that `side` of `flow` sent.
  local function handler(flow, side, arrival)
    local function remark(note)
      if flow.protocol == "reglogin" or flow.watched then
        put(arrival.frame, { note = note })
      end
    end
    return {
      octets = function(run)
          if flow.protocol == "reglogin" then
          take(flow, side, run, arrival)
        elseif not flow.protocol then
          probe(flow, side, run, arrival)
        end
      end,
      gap = function(octets)
        local work = flow.work[side]
        local concerned = flow.protocol == "reglogin"
          or (not flow.protocol and (flow.watched or work.octets ~= ""))
        if concerned then
          local begun = work.mode == "boundary" and #work.octets or 0
          cut(flow, side, "gap")
          if flow.protocol == "reglogin" then
            R.lost(flow, side, begun, octets)
          end
          work.mode = "search"
          table.insert(work.notes, R.octets_note("gap", octets))
        end
      end,
      conflict = function(frame, from, to)
        remark(R.note_of("conflict", { frame = frame, from = from, to = to - 1 }))
      end,
      given_up = function(octets)
        remark(R.octets_note("given_up", octets))
      end,
      ended = function(by)
        ended(flow, side, by, arrival)
      end,
    }
  end

  -- Takes a segment of a flow.
  function R.take_segment(flow, segment)
    if flow.protocol and flow.protocol ~= "reglogin" then
      return
    end
    local arrival = { frame = segment.frame, time = segment.time }
    if R.opens(segment.flags) then
      set_client(flow, segment.side, HANDSHAKE)
      flow.syn[segment.side] = true
    elseif R.accepts(segment.flags) then
      set_client(flow, 3 - segment.side, HANDSHAKE)
      flow.syn[segment.side] = true
    end
    R.push_segment(flow, segment, function(side)
      return handler(flow, side, arrival)
    end)
  end

  -- Ends a flow whose addresses and ports are used again.
  function R.close(flow)
    if flow.protocol == nil or flow.protocol == "reglogin" then
      R.finish_flow(flow, function(side)
        return handler(flow, side, { frame = R.ingested })
      end)
    end
  end

  -- A copy of a flow's state; messages that wait stay the same objects.
  local function copy(value, deep)
    if type(value) ~= "table" then
      return value
    end
    local new = {}
    for key, part in pairs(value) do
      new[key] = deep and key ~= "waiting" and key ~= "ends" and copy(part, true) or part
    end
    return new
  end

  -- What the capture's end brings: messages that are cut off and requests that nobody answered.
  -- More frames may come in a live capture, so the end is tried out on copies.
  local function try_end()
    R.preview = { at = R.ingested, frames = {}, unanswered = {} }
    for _, flow in ipairs(R.all_flows) do
      if flow.protocol == "reglogin" then
        local tried = copy(flow, true)
        tried.waiting = copy(flow.waiting, false)
        R.finish_flow(tried, function(side)
          return handler(tried, side, { frame = 0 })
        end)
      end
    end
    local found = R.preview
    R.preview = nil
    return found
  end

  -- Everything to be shown with a frame, nil where there is nothing. `visited` says that the
  -- frames after it were seen too.
  function R.items(number, visited)
    local items = R.frames[number]
    if not visited then
      return items
    end
    if not R.tried or R.tried.at ~= R.ingested then
      R.tried = try_end()
    end
    local more = R.tried.frames[number]
    if not items or not more then
      return items or more
    end
    local all = {}
    for _, part in ipairs({ items, more }) do
      for _, item in ipairs(part) do
        all[#all + 1] = item
      end
    end
    return all
  end

  -- The message's notes, and that nobody answered it where the capture's end says so.
  function R.notes(message)
    local notes = { table.unpack(message.notes) }
    if R.tried and R.tried.unanswered[message] then
      notes[#notes + 1] = R.note_of("unanswered")
    end
    return notes
  end

  -- Whether the dissector keeps other protocols' dissectors from the flow's data.
  function R.claims(flow)
    if flow.protocol then
      return flow.protocol == "reglogin"
    end
    for side = 1, 2 do
      if R.looks_right(flow.work[side].octets) then
        return true
      end
    end
    return false
  end
end
