-- Connections: which one a segment belongs to, what is held of it, and what is to be shown with each frame.
do
  -- How it is known who the client is; the better evidence wins.
  local LOWER_PORT = 1
  R.CONTENT, R.WATCHED_PORT, R.HANDSHAKE = 2, 3, 4

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
      -- Notes on messages that are not whole yet, with their frames.
      begun = {},
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
      flow.client, flow.evidence = near and 2 or 1, R.WATCHED_PORT
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

  function R.set_client(flow, side, evidence)
    if evidence > flow.evidence then
      flow.client, flow.evidence = side, evidence
    end
  end

  -- Puts something to be shown with a frame.
  function R.put(number, item)
    local frames = R.preview and R.preview.frames or R.frames
    frames[number] = frames[number] or {}
    table.insert(frames[number], item)
  end

  -- Says something of a stream.
  function R.remark(flow, frame, key, values)
    if R.is_ours(flow) or flow.watched then
      R.put(frame, { note = R.note_of(key, values), flow = flow })
    end
  end

  function R.append(work, run)
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

  function R.drop_front(work, octets)
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

  function R.take_front(work, octets)
    local found = {
      octets = work.octets:sub(1, octets),
      sources = {},
      notes = work.notes,
      frame = 0,
    }
    work.notes = {}
    for _, source in ipairs(work.sources) do
      if source.start < octets then
        -- A message's frame is the last one that carried bytes of it.
        if source.frame > found.frame then
          found.frame, found.time = source.frame, source.time
        end
        found.first = found.first or source
        local len = math.min(source.len, octets - source.start)
        -- Behind the message's last byte, where the same segment may have more.
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
    R.drop_front(work, octets)
    return found
  end

  -- Whether the connection speaks what this plugin shows, or nobody knows yet.
  function R.may_be_ours(flow)
    return flow.protocol == nil or R.is_ours(flow)
  end

  -- Takes a segment of a flow.
  function R.take_segment(flow, segment)
    if not R.may_be_ours(flow) then
      return
    end
    local arrival = { frame = segment.frame, time = segment.time }
    local own = flow.directions[segment.side]
    local stray = R.accepts(segment.flags) and own.sent and own.base ~= segment.seq
    if R.opens(segment.flags) then
      R.set_client(flow, segment.side, R.HANDSHAKE)
      flow.syn[segment.side] = true
    elseif R.accepts(segment.flags) and not stray then
      R.set_client(flow, 3 - segment.side, R.HANDSHAKE)
      flow.syn[segment.side] = true
    end
    R.push_segment(flow, segment, function(side)
      return R.handler(flow, side, arrival)
    end)
    if R.tell_begun then
      R.tell_begun(flow, segment.side, segment.frame)
    end
  end

  -- Takes bytes that come in order.
  function R.take_octets(flow, side, run)
    R.handler(flow, side, { frame = run.frame, time = run.time }).octets(run)
  end

  -- A side says no more.
  function R.end_side(flow, side, by, frame)
    if not flow.directions[side].ended then
      flow.directions[side].ended = true
      R.handler(flow, side, { frame = frame }).ended(by)
    end
  end

  -- Ends a flow whose addresses and ports are used again.
  function R.close(flow)
    if flow.inside then
      R.close(flow.inside)
    end
    if R.may_be_ours(flow) then
      R.finish_flow(flow, function(side)
        return R.handler(flow, side, { frame = R.ingested })
      end)
      -- What came after the other side had ended.
      R.all_unanswered(flow)
      R.all_unasked(flow)
    end
  end

  -- What messages that wait are kept in, and what never changes.
  local SHARED = { protocol = true, waiting = true, early = true, ends = true, rival = true }

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
      if R.is_ours(flow) then
        local tried = copy(flow, true)
        R.copy_waiting(flow, tried)
        R.finish_flow(tried, function(side)
          return R.handler(tried, side, { frame = 0 })
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
end
