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
    -- Connections by what Wireshark calls their ends; the flow inside TLS that a frame has data of.
    R.by_ends, R.inside_by_frame = {}, {}
  end
  R.reset()

  local function empty_flow(ends, watched)
    local flow = {
      ends = ends,
      watched = watched,
      directions = { R.direction(), R.direction() },
      work = {},
      syn = {},
      waiting = {},
      early = {},
    }
    for side = 1, 2 do
      flow.work[side] = { mode = "start", octets = "", sources = {}, skipped = 0, notes = {} }
    end
    return flow
  end

  local function new_flow(segment)
    local addresses = segment.addresses or {}
    local flow = empty_flow({
      { octets = segment.source, address = addresses[1], port = segment.ports[1] },
      { octets = segment.destination, address = addresses[2], port = segment.ports[2] },
    }, segment.watched)
    local near, far = segment.expected[1], segment.expected[2]
    if near ~= far then
      flow.client, flow.evidence = near and 2 or 1, WATCHED_PORT
    else
      flow.client = segment.ports[1] < segment.ports[2] and 2 or 1
      flow.evidence = LOWER_PORT
    end
    return flow
  end

  -- A flow inside another: what the same ends say to each other through it.
  function R.inside(outer)
    local flow = empty_flow(outer.ends, outer.watched)
    flow.syn = { outer.syn[1], outer.syn[2] }
    flow.client, flow.evidence = outer.client, outer.evidence
    R.all_flows[#R.all_flows + 1] = flow
    return flow
  end

  -- Whether a segment is a SYN with another sequence number than the flow's first.
  local function reopens(flow, segment)
    local base = flow.directions[segment.side].base
    return R.opens(segment.flags) and base and base ~= segment.seq
  end

  -- Where a segment belongs while a SYN may have opened another connection in place of a flow's:
  -- "old", "rival", "accepted" or "new"; and whether it shows that the SYN was ignored.
  local function choose(flow, rival, segment)
    local from_client = segment.side == rival.client
    local old, new = flow.directions[rival.client], rival.flow.directions[1]
    if R.opens(segment.flags) then
      if from_client and segment.seq == new.base then
        return "rival"
      end
      return from_client and segment.seq == old.base and "old" or "new", false
    end
    local number = segment.seq
    if not from_client then
      number = R.acknowledges(segment.flags) and segment.ack
    end
    local is_new = number and math.abs(R.since(number, new.next)) < math.abs(R.since(number, old.next))
    if is_new then
      return R.resets(segment.flags) and "rival" or "accepted"
    end
    local plain = not R.resets(segment.flags) and not R.accepts(segment.flags)
    return "old", plain and (not from_client or segment.len > 0)
  end

  -- The flow of a segment that opens one in place of another, or comes when that is tried; nil
  -- where it opens one at once.
  local function find_unusual(flow, segment, key, other_key)
    local rival = flow.rival
    if rival then
      local choice, shows = choose(flow, rival, segment)
      if choice == "old" then
        if shows and not rival.told then
          rival.told = true
          R.remark(flow, segment.frame, "syn_ignored." .. rival.why, { frame = rival.frame })
        end
        return flow
      end
      if choice ~= "new" then
        segment.side = segment.side == rival.client and 1 or 2
        if choice == "accepted" then
          R.flows[key], R.flows[other_key] = nil, nil
          R.flows[rival.key] = rival.flow
          flow.rival = nil
          R.close(flow)
        end
        return rival.flow
      end
      flow.rival = nil
      R.close(rival.flow)
    end
    if not reopens(flow, segment) then
      return flow
    end
    if R.is_over(flow) then
      R.flows[key], R.flows[other_key] = nil, nil
      R.close(flow)
      return nil
    end
    local why = R.has_wrong_checksum(flow, segment) and "checksum" or "goes_on"
    local new = new_flow(segment)
    new.watched = segment.watched
    R.all_flows[#R.all_flows + 1] = new
    flow.rival = { flow = new, key = key, client = segment.side, frame = segment.frame, why = why }
    segment.side = 1
    return new
  end

  -- The segment's flow; `segment.side` says afterwards which of its sides sent it.
  function R.flow(segment)
    local near = segment.source .. ":" .. segment.ports[1]
    local far = segment.destination .. ":" .. segment.ports[2]
    local flow = R.flows[near .. far]
    segment.side = 1
    if not flow then
      flow = R.flows[far .. near]
      segment.side = 2
    end
    if flow and (flow.rival or reopens(flow, segment)) then
      flow = find_unusual(flow, segment, near .. far, far .. near)
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

  -- Says something of a stream.
  function R.remark(flow, frame, key, values)
    if flow.protocol == "reglogin" or flow.watched then
      put(frame, { note = R.note_of(key, values) })
    end
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
      local fits = found.from == "client" and L.kinds.request or L.kinds.response
      if #found.octets == fits.len then
        table.insert(found.notes, R.note_of("fits_other." .. fits.name))
      end
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

  local function append(work, run)
    table.insert(work.sources, {
      frame = run.frame,
      time = run.time,
      ack = run.ack,
      seq = run.seq,
      offset = run.offset,
      record = run.record,
      start = #work.octets,
      len = #run.octets,
    })
    work.octets = work.octets .. run.octets
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
          time = source.time,
          ack = source.ack,
          seq = R.plus(source.seq, cut),
          offset = source.offset + cut,
          record = source.record,
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
      frame = 0,
    }
    work.notes = {}
    for _, source in ipairs(work.sources) do
      if source.start < octets then
        -- A message's frame is the last one that carried octets of it.
        if source.frame > found.frame then
          found.frame, found.time = source.frame, source.time
        end
        found.first = found.first or source
        local len = math.min(source.len, octets - source.start)
        -- Behind the message's last octet, where the same segment may have more.
        found.stop = R.plus(source.seq, len)
        found.sources[#found.sources + 1] = {
          frame = source.frame,
          ack = source.ack,
          offset = source.offset,
          record = source.record,
          start = source.start,
          len = len,
        }
      end
    end
    drop_front(work, octets)
    return found
  end

  -- A message begins behind `passed` octets.
  local function found_header(work, passed)
    work.mode = "boundary"
    work.skipped = work.skipped + passed
    if work.skipped > 0 then
      table.insert(work.notes, R.octets_note("skipped", work.skipped))
      work.skipped = 0
    end
  end

  -- Takes octets of a RegLogin stream.
  local function take(flow, side, run)
    local work = flow.work[side]
    if work.mode == "start" or work.mode == "unproven" then
      work.mode = flow.syn[side] and "boundary" or "search"
    end
    append(work, run)
    while work.octets ~= "" do
      if work.mode == "foretold" then
        if #work.octets < work.left + L.header_len then
          return
        end
        local header = work.octets:sub(work.left + 1, work.left + L.header_len)
        local known = R.is_header(header) and L.commands[R.word(header, 5)]
        if known and known.kind == work.kind then
          drop_front(work, work.left)
          if work.skipped + work.left > 0 then
            table.insert(work.notes, R.octets_note("skipped", work.skipped + work.left))
          end
          work.skipped, work.mode = 0, "boundary"
        else
          work.mode = "search"
        end
      end
      if work.mode == "search" then
        local at = R.find_next(work.octets, work.like)
        local passed = at or math.max(#work.octets - LOOK_AHEAD_KEPT, 0)
        work.skipped = work.skipped + passed
        drop_front(work, passed)
        if not at then
          return
        end
        found_header(work, 0)
      end
      local verdict, len = R.extent(work.octets)
      if verdict == "need" then
        return
      end
      work.like = verdict == "wrong" and R.like(work.octets:sub(1, len)) or nil
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
  local function retake(flow, side)
    local work = flow.work[side]
    local octets, sources = work.octets, work.sources
    work.octets, work.sources = "", {}
    for _, source in ipairs(sources) do
      local part = octets:sub(source.start + 1, source.start + source.len)
      local run = { octets = part }
      for key, value in pairs(source) do
        run[key] = value
      end
      take(flow, side, run)
    end
  end

  -- Settles the stream's protocol; the direction that settled it is taken last.
  local function decide(flow, from, protocol)
    flow.protocol = protocol
    for _, side in ipairs({ 3 - from, from }) do
      if protocol == "reglogin" then
        retake(flow, side)
      else
        clear(flow.work[side])
      end
    end
  end

  local function skip(run, octets)
    local rest = {}
    for key, value in pairs(run) do
      rest[key] = value
    end
    rest.octets, rest.offset = run.octets:sub(octets + 1), run.offset + octets
    rest.seq = R.plus(run.seq, octets)
    return rest
  end

  local function let_go(work, counted)
    if counted then
      work.skipped = work.skipped + #work.octets
    end
    work.octets, work.sources = "", {}
  end

  -- What of `run` stands behind a PROXY header, or all of it where there is none; nil where more
  -- octets have to come.
  local function behind_proxy_header(flow, side, run)
    local work = flow.work[side]
    local left = work.header_left or 0
    if left > 0 then
      work.header_left = left - math.min(left, #run.octets)
      local rest = skip(run, math.min(left, #run.octets))
      return rest.octets ~= "" and rest or nil
    end
    if not flow.syn[side] or work.mode ~= "start" then
      return run
    end
    local header = R.proxy_header(work.octets .. run.octets)
    if not header then
      return run
    elseif header == "unsure" then
      append(work, run)
      return nil
    end
    local behind = header.len - #work.octets
    put(run.frame, { note = R.note_of((header.client and "proxy." or "proxy.unknown.") .. header.version, header) })
    work.header_left = math.max(behind - #run.octets, 0)
    let_go(work, false)
    local rest = skip(run, math.min(behind, #run.octets))
    return rest.octets ~= "" and rest or nil
  end

  -- Takes octets of a stream whose protocol is not known yet.
  local probe
  probe = function(flow, side, run)
    run = behind_proxy_header(flow, side, run)
    local work = flow.work[side]
    if not run or (work.mode == "unproven" and not flow.watched) then
      return
    end
    local from_start = flow.syn[side]
    local one_segment = work.octets == ""
    append(work, run)
    local octets = one_segment and work.octets or work.octets:sub(1, L.held)
    local opening = { octets = octets, one_segment = one_segment }
    local verdict
    if work.mode == "unproven" then
      local evidence = R.weigh(opening)
      verdict = evidence == "proof" and "reglogin" or evidence == "unsure" and "unsure" or "other"
    else
      verdict = R.identify(opening, flow.watched)
    end
    if verdict == "reglogin" then
      found_header(work, 0)
      decide(flow, side, "reglogin")
    elseif verdict == "other" and not one_segment then
      -- What was held has led nowhere; this segment may begin a message.
      work.octets = work.octets:sub(1, -#run.octets - 1)
      let_go(work, not from_start)
      probe(flow, side, run)
    elseif verdict == "other" and from_start and work.mode ~= "search" then
      work.mode = "unproven"
      let_go(work, false)
      if not flow.watched and flow.work[3 - side].mode == "unproven" then
        decide(flow, side, "data")
      end
    elseif verdict == "other" and flow.watched then
      -- The capture begins amid the stream, or has a gap: a message may begin anywhere.
      local at = R.find_strict(run.octets)
      if at then
        drop_front(work, at)
        found_header(work, at)
        decide(flow, side, "reglogin")
      else
        let_go(work, true)
      end
    elseif verdict == "other" then
      let_go(work, false)
    elseif verdict ~= "unsure" then
      decide(flow, side, verdict)
    end
  end

  -- How many octets behind those captured the next message begins, where the sizes of those
  -- before it tell; and whether one is begun of whose header octets are missing.
  local function boundary(work, kind)
    local before = work.mode == "foretold" and work.left or 0
    if work.mode ~= "foretold" and work.mode ~= "boundary" then
      return nil
    end
    local begun = #work.octets - before
    if begun <= 0 then
      return -begun, false
    end
    if begun < L.header_len then
      return kind.len - begun, true
    end
    local _, len = R.extent(work.octets:sub(before + 1))
    return math.max(len - begun, 0), false
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
    if R.is_not_filled(found.octets) then
      table.insert(found.notes, R.note_of("not_filled", { have = have }))
    end
    emit(flow, side, found)
  end

  local function ended(flow, side, by, arrival)
    local work = flow.work[side]
    if not flow.protocol and work.octets ~= ""
      and R.identify({ octets = work.octets, whole = true }, flow.watched) == "reglogin" then
      found_header(work, 0)
      decide(flow, side, "reglogin")
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
      R.all_unanswered(flow)
    end
    if side == flow.client or by ~= "fin" then
      R.all_unasked(flow)
    end
  end

  -- What the TCP part tells of the octets that `side` of `flow` sent.
  local function handler(flow, side, arrival)
    local function remark(note)
      R.remark(flow, arrival.frame, note.key, note.values)
    end
    return {
      octets = function(run)
        if flow.protocol == "reglogin" then
          take(flow, side, run)
        elseif not flow.protocol then
          probe(flow, side, run)
        end
      end,
      gap = function(octets)
        local work = flow.work[side]
        local concerned = flow.protocol == "reglogin"
          or (not flow.protocol and (flow.watched or work.octets ~= ""))
        if concerned then
          local kind = side == flow.client and L.kinds.request or L.kinds.response
          local left, headless = boundary(work, kind)
          cut(flow, side, "gap")
          work.mode = "search"
          if flow.protocol == "reglogin" then
            local into = math.max(octets - (left or 0), 0)
            R.lost(flow, kind, math.ceil(into / kind.len) + (headless and 1 or 0))
            if left then
              work.mode, work.kind = "foretold", kind.name
              work.left = octets < left and left - octets or (kind.len - into % kind.len) % kind.len
            end
          end
          table.insert(work.notes, R.octets_note("gap", octets))
        end
      end,
      conflict = function(frame, from, to)
        remark(R.note_of("conflict", { frame = frame, from = from, to = to - 1 }))
      end,
      given_up = function(octets)
        remark(R.octets_note("given_up", octets))
      end,
      remark = function(key, values)
        remark(R.note_of(key, values))
      end,
      reset_cause = function(words)
        local shown = #words .. " octets of words, not shown"
        if side ~= flow.client then
          shown = words:sub(1, 80):gsub("[^\32-\126]", ".")
        end
        remark(R.note_of("reset_cause", { words = shown }))
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
    local own = flow.directions[segment.side]
    local stray = R.accepts(segment.flags) and own.sent and own.base ~= segment.seq
    if R.opens(segment.flags) then
      set_client(flow, segment.side, HANDSHAKE)
      flow.syn[segment.side] = true
    elseif R.accepts(segment.flags) and not stray then
      set_client(flow, 3 - segment.side, HANDSHAKE)
      flow.syn[segment.side] = true
    end
    R.push_segment(flow, segment, function(side)
      return handler(flow, side, arrival)
    end)
  end

  -- Takes octets that come in order.
  function R.take_octets(flow, side, run)
    handler(flow, side, { frame = run.frame, time = run.time }).octets(run)
  end

  -- A side says no more.
  function R.end_side(flow, side, by, frame)
    if not flow.directions[side].ended then
      flow.directions[side].ended = true
      handler(flow, side, { frame = frame }).ended(by)
    end
  end

  -- Ends a flow whose addresses and ports are used again.
  function R.close(flow)
    if flow.inside then
      R.close(flow.inside)
    end
    if flow.protocol == nil or flow.protocol == "reglogin" then
      R.finish_flow(flow, function(side)
        return handler(flow, side, { frame = R.ingested })
      end)
      -- What came after the other side had ended.
      R.all_unanswered(flow)
      R.all_unasked(flow)
    end
  end

  -- What messages that wait are kept in, and what never changes.
  local SHARED = { waiting = true, early = true, ends = true, rival = true }

  -- A copy of a flow's state; messages that wait stay the same objects.
  local function copy(value, deep)
    if type(value) ~= "table" then
      return value
    end
    local new = {}
    for key, part in pairs(value) do
      new[key] = deep and not SHARED[key] and copy(part, true) or part
    end
    return new
  end

  -- What the capture's end brings: messages that are cut off and requests that nobody answered.
  -- More frames may come in a live capture, so the end is tried out on copies.
  local function try_end()
    R.preview = { at = R.ingested, frames = {}, unpaired = {} }
    for _, flow in ipairs(R.all_flows) do
      if flow.protocol == "reglogin" then
        local tried = copy(flow, true)
        tried.waiting, tried.early = copy(flow.waiting, false), copy(flow.early, false)
        R.finish_flow(tried, function(side)
          return handler(tried, side, { frame = 0 })
        end)
        R.all_unanswered(tried)
        R.all_unasked(tried)
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

  -- The message's notes, and that it has no peer where the capture's end says so.
  function R.notes(message)
    local notes = { table.unpack(message.notes) }
    local why = R.tried and R.tried.unpaired[message]
    if why then
      notes[#notes + 1] = R.note_of(why)
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
