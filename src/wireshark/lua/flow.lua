-- From bytes in order to messages, and from messages to exchanges.
do
  local LOOK_AHEAD_KEPT = L.bounds.look_ahead - 1
  -- Says of a message that the frame carried bytes of, and that is not whole, how far it goes:
  -- where RegLogin is not proven yet, of bytes that begin as one does.
  function R.tell_begun(flow, side, frame)
    local work = flow.work[side]
    local proven = flow.protocol == "reglogin"
    if work.octets == "" or not (proven or (not flow.protocol and flow.watched)) then
      return
    end
    local have, need = #work.octets, nil
    if proven and work.mode == "boundary" then
      local _, len = R.extent(work.octets)
      local kind = side == flow.client and L.kinds.request or L.kinds.response
      need = have < L.header_len and kind.len or len
    elseif not proven and work.mode == "start" then
      local length = R.word(work.octets, 1)
      local kind = length and R.kind_of_len(length)
      need = kind and (have < L.header_len or R.is_header(work.octets)) and length
    end
    local sources, in_frame = work.sources, false
    for _, source in ipairs(sources) do
      in_frame = in_frame or source.frame == frame
    end
    if not need or have >= need or not in_frame then
      return
    end
    -- Behind another message, TCP may have cut this one anywhere.
    local alone = true
    for _, item in ipairs(R.frames[frame] or {}) do
      alone = alone and not item.octets
    end
    local at_once = #sources == 1 or (#sources == 2 and sources[1].len == L.header_len)
    local unfilled = alone and at_once and R.is_not_filled(work.octets)
    local note = R.note_of(unfilled and "begun.unfilled." .. have or "begun", { have = have, need = need })
    R.put(frame, { note = note, begun = flow })
    table.insert(flow.begun, { note = note, frame = frame, have = have })
  end

  -- Tells the frames that began a message where it goes on.
  local function tell_where(flow, found)
    for at = #flow.begun, 1, -1 do
      local begun = flow.begun[at]
      local ours, goes_on = false, nil
      for _, source in ipairs(found.sources) do
        ours = ours or source.frame == begun.frame
        goes_on = source.start == begun.have and source.frame or goes_on
      end
      local ends = #found.octets <= begun.have
      if ours and not ends and goes_on and goes_on ~= begun.frame then
        begun.note.key, begun.note.values.frame = "begun.goes_on", goes_on
        ends = true
      end
      if ours and ends then
        table.remove(flow.begun, at)
      end
    end
  end

  local function emit(flow, side, found)
    tell_where(flow, found)
    found.length, found.command = R.word(found.octets, 1), R.word(found.octets, 5)
    local known = found.command and L.commands[found.command]
    if known and flow.evidence < R.CONTENT then
      local client = known.kind == "request" and side or 3 - side
      R.set_client(flow, client, R.CONTENT)
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
    R.put(found.frame, found)
  end

  local function judge(found)
    R.judge(found.octets, function(key, values)
      table.insert(found.notes, R.note_of(key, values))
    end)
  end

  -- A message begins behind `passed` bytes.
  local function found_header(work, passed)
    work.mode = "boundary"
    work.skipped = work.skipped + passed
    if work.skipped > 0 then
      table.insert(work.notes, R.octets_note("skipped", work.skipped))
      work.skipped = 0
    end
  end

  -- Takes bytes of a RegLogin stream.
  local function take(flow, side, run)
    local work = flow.work[side]
    if work.mode == "start" or work.mode == "unproven" then
      work.mode = flow.syn[side] and "boundary" or "search"
    end
    R.append(work, run)
    while work.octets ~= "" do
      if work.mode == "foretold" then
        if #work.octets < work.left + L.header_len then
          return
        end
        local header = work.octets:sub(work.left + 1, work.left + L.header_len)
        local known = R.is_header(header) and L.commands[R.word(header, 5)]
        if known and known.kind == work.kind then
          R.drop_front(work, work.left)
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
        R.drop_front(work, passed)
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
      local found = R.take_front(work, len)
      judge(found)
      emit(flow, side, found)
    end
  end

  local function clear(work)
    work.octets, work.sources, work.skipped, work.notes = "", {}, 0, {}
  end

  -- Takes the bytes held of a direction as if they came now.
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
  -- bytes have to come.
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
      R.append(work, run)
      return nil
    end
    local behind = header.len - #work.octets
    R.put(run.frame, { note = R.note_of((header.client and "proxy." or "proxy.unknown.") .. header.version, header) })
    work.header_left = math.max(behind - #run.octets, 0)
    let_go(work, false)
    local rest = skip(run, math.min(behind, #run.octets))
    return rest.octets ~= "" and rest or nil
  end

  -- Takes bytes of a stream whose protocol is not known yet.
  local probe
  probe = function(flow, side, run)
    run = behind_proxy_header(flow, side, run)
    local work = flow.work[side]
    if not run or (work.mode == "unproven" and not flow.watched) then
      return
    end
    local from_start = flow.syn[side]
    local one_segment = work.octets == ""
    R.append(work, run)
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
        R.drop_front(work, at)
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

  -- How many bytes behind those captured the next message begins, where the sizes of those
  -- before it tell; and whether one is begun of whose header bytes are missing.
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
      R.drop_front(work, have)
      return
    end
    local _, need = R.extent(work.octets)
    local found = R.take_front(work, have)
    found.uncounted = by ~= "gap"
    judge(found)
    table.insert(found.notes, R.note_of("cut_off." .. by, { have = have, need = need }))
    if R.is_not_filled(found.octets) then
      table.insert(found.notes, R.note_of("not_filled." .. have))
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
      R.put(arrival.frame, { note = note })
    end
    if work.skipped > 0 then
      R.put(arrival.frame, { note = R.octets_note("skipped", work.skipped) })
    end
    clear(work)
    if side ~= flow.client or by ~= "fin" then
      R.all_unanswered(flow)
    end
    if side == flow.client or by ~= "fin" then
      R.all_unasked(flow)
    end
  end

  -- What the TCP part tells of the bytes that `side` of `flow` sent.
  function R.handler(flow, side, arrival)
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

  -- Whether the connection speaks what this plugin shows.
  function R.is_ours(flow)
    return flow.protocol == "reglogin"
  end

  function R.proto_of()
    return reglogin
  end

  R.protos = {
    { proto = reglogin, prefix = L.prefix, name = L.name, ports = tostring(L.port), anywhere = true },
  }

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
