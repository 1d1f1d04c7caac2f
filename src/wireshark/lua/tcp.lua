-- TCP: each direction's bytes in order, as its receiver got them, whatever Wireshark's own
-- preferences for reassembly say.
do
  local WRAP, HALF = 2 ^ 32, 2 ^ 31
  local bounds = L.bounds
  local FIN, SYN, RST, ACK = L.flags.FIN, L.flags.SYN, L.flags.RST, L.flags.ACK

  local function has(flags, bit)
    return flags % (2 * bit) >= bit
  end

  -- How far a sequence number lies behind another; negative before it.
  local function since(a, b)
    return (a - b + HALF) % WRAP - HALF
  end

  local function plus(seq, octets)
    return (seq + octets) % WRAP
  end

  local function run_end(run)
    return plus(run.seq, #run.octets + run.missing)
  end

  R.since, R.plus = since, plus

  function R.direction()
    return { ahead = {}, history = {}, position = 0 }
  end

  local function start(dir, base)
    dir.base = base
    dir.next = plus(base, 1)
  end

  local function sent(dir, segment)
    dir.window = segment.window or dir.window or 65535
    if not dir.sent then
      dir.right = R.checksum_is_wrong(segment) == false
    end
    if has(segment.flags, SYN) and not dir.syn then
      if not dir.base or dir.base == segment.seq or not dir.sent then
        dir.syn = true
        dir.shift = segment.shift
        start(dir, segment.seq)
      end
    elseif not dir.base then
      start(dir, plus(segment.seq, -1))
    elseif not dir.sent then
      -- Bytes from before the acknowledgement that told where the direction stands: that was
      -- captured too early. A keep-alive carries one.
      local before = since(dir.next, segment.seq)
      if segment.len > 1 and before >= 1 and before <= bounds.overtaken_by then
        dir.next = segment.seq
      end
    end
    dir.sent = true
  end

  local function acknowledged(dir, ack)
    if not dir.base then
      start(dir, plus(ack, -1))
    end
    if not dir.acked or since(ack, dir.acked) > 0 then
      dir.acked = ack
    end
  end

  local function held_seq(dir)
    local first = dir.ahead[1]
    return first and first.seq or dir.ahead_fin
  end

  -- An acknowledgement says that the bytes before what is held arrived uncaptured.
  local function can_concede(dir)
    local seq = held_seq(dir)
    return seq and dir.acked and since(dir.acked, seq) >= 0
  end

  local function remember(dir, run)
    local history = dir.history
    history[#history + 1] = run
    if #history > bounds.compared then
      table.remove(history, 1)
    end
  end

  local function advance(dir, octets)
    dir.next = plus(dir.next, octets)
    dir.position = dir.position + octets
  end

  local function deliver(dir, run, on)
    if #run.octets > 0 then
      remember(dir, run)
      advance(dir, #run.octets)
      on.octets(run)
    end
    if run.missing > 0 then
      advance(dir, run.missing)
      on.gap(run.missing)
    end
  end

  local function deliver_held(dir, on)
    while dir.ahead[1] and dir.ahead[1].seq == dir.next do
      deliver(dir, table.remove(dir.ahead, 1), on)
    end
    -- A FIN that says less than was sent counts as soon as the bytes before it are there.
    if dir.ahead_fin and since(dir.ahead_fin, dir.next) <= 0 then
      dir.fin = true
      dir.ahead_fin = nil
      dir.ahead = {}
    end
  end

  local function concede(dir, on)
    local seq = held_seq(dir)
    local hole = since(seq, dir.next)
    if hole > 0 then
      advance(dir, hole)
      on.gap(hole)
    end
    deliver_held(dir, on)
  end

  -- Tells where a second copy differs from the first, as offsets from the start of the data.
  local function compare(dir, first, second, on)
    local from = since(first.seq, second.seq) > 0 and first.seq or second.seq
    local skip_first, skip_second = since(from, first.seq), since(from, second.seq)
    local common = math.min(#first.octets - skip_first, #second.octets - skip_second)
    local low, high
    for at = 1, common do
      if first.octets:byte(skip_first + at) ~= second.octets:byte(skip_second + at) then
        low = low or at
        high = at
      end
    end
    if low then
      local offset = dir.position + since(from, dir.next)
      return offset + low - 1, offset + high
    end
  end

  local function compare_with_delivered(dir, run)
    local from, to
    for _, first in ipairs(dir.history) do
      local overlap = since(run_end(run), first.seq) > 0 and since(run_end(first), run.seq) > 0
      local low, high
      if overlap then
        low, high = compare(dir, first, run)
      end
      if low then
        from = math.min(from or low, low)
        to = math.max(to or high, high)
      end
    end
    return from, to
  end

  -- Cuts a run before sequence number `at`; gives both parts, the second nil where it is empty.
  local function split(run, at)
    local keep = since(at, run.seq)
    local captured = #run.octets
    if keep >= captured + run.missing then
      return run, nil
    end
    local cut = math.min(keep, captured)
    local behind = {
      seq = at,
      octets = run.octets:sub(cut + 1),
      missing = math.min(run.missing, captured + run.missing - keep),
      frame = run.frame,
      time = run.time,
      ack = run.ack,
      offset = run.offset + cut,
    }
    local before = {
      seq = run.seq,
      octets = run.octets:sub(1, cut),
      missing = math.max(keep - captured, 0),
      frame = run.frame,
      time = run.time,
      ack = run.ack,
      offset = run.offset,
    }
    return before, behind
  end

  -- Holds what of `run` is not held already: the first copy of a byte wins.
  local function hold(dir, run, on)
    local ahead = dir.ahead
    local at = 1
    while ahead[at] and since(run_end(ahead[at]), run.seq) <= 0 do
      at = at + 1
    end
    while run do
      local held = ahead[at]
      if held and since(run_end(run), held.seq) > 0 then
        if since(held.seq, run.seq) > 0 then
          local before
          before, run = split(run, held.seq)
          table.insert(ahead, at, before)
        else
          local from, to = compare(dir, held, run)
          if from then
            on.conflict(run.frame, from, to)
          end
          if since(run_end(run), run_end(held)) > 0 then
            run = select(2, split(run, run_end(held)))
          else
            run = nil
          end
        end
        at = at + 1
      else
        table.insert(ahead, at, run)
        run = nil
      end
    end
  end

  local function held_octets(dir)
    local octets = 0
    for _, run in ipairs(dir.ahead) do
      octets = octets + #run.octets
    end
    return octets
  end

  -- Bytes held up to the next hole.
  local function first_run(dir)
    local octets, last = 0, dir.ahead[1].seq
    for _, run in ipairs(dir.ahead) do
      if run.seq ~= last then
        break
      end
      octets, last = octets + #run.octets, run_end(run)
    end
    return octets
  end

  local function push_out_of_order(dir, run, on)
    local old = since(dir.next, run.seq)
    if old > 0 then
      local keep_alive = old == 1 and #run.octets + run.missing == 1
      if not keep_alive then
        local from, to = compare_with_delivered(dir, run)
        if from then
          on.conflict(run.frame, from, to)
        end
      end
      if since(run_end(run), dir.next) <= 0 then
        return
      end
      run = select(2, split(run, dir.next))
    end
    hold(dir, run, on)
    deliver_held(dir, on)
    if can_concede(dir) then
      concede(dir, on)
    end
    while #dir.ahead > 0 and held_octets(dir) > bounds.ahead do
      on.given_up(first_run(dir))
      concede(dir, on)
    end
  end

  local function push(dir, segment, on)
    if dir.ended then
      return
    end
    local seq = segment.seq
    if has(segment.flags, SYN) then
      seq = plus(seq, 1)
    end
    if segment.len > 0 then
      local run = {
        seq = seq,
        octets = segment.octets,
        missing = segment.len - #segment.octets,
        frame = segment.frame,
        time = segment.time,
        ack = has(segment.flags, ACK) and segment.ack or nil,
        offset = 0,
      }
      if seq == dir.next and not held_seq(dir) then
        deliver(dir, run, on)
      else
        push_out_of_order(dir, run, on)
      end
    end
    if has(segment.flags, FIN) then
      local fin = plus(seq, segment.len)
      if fin == dir.next then
        dir.fin = true
      elseif since(fin, dir.next) > 0 then
        dir.ahead_fin = fin
        deliver_held(dir, on)
      end
    end
  end

  -- Ends a direction once: what is held is delivered behind its gaps first.
  local function finish(dir, on, by)
    if dir.ended then
      return
    end
    while held_seq(dir) do
      local before = held_seq(dir)
      concede(dir, on)
      if held_seq(dir) == before then
        break
      end
    end
    if dir.acked and dir.sent and since(dir.acked, dir.next) > 1 then
      local lost = since(dir.acked, dir.next)
      advance(dir, lost)
      on.gap(lost)
    end
    dir.ended = true
    dir.was_reset = by == "reset" or nil
    on.ended(by)
  end

  -- The sequence numbers of which a reset may have one: see Direction::reset_window.
  local function reset_window(sender, receiver)
    local from = sender.acked or plus(sender.base, 1)
    local seen = sender.next
    if sender.ahead_fin then
      seen = sender.ahead_fin
    elseif #sender.ahead > 0 then
      seen = run_end(sender.ahead[#sender.ahead])
    end
    local window = 65535 * 2 ^ 14
    if receiver.sent then
      local shift = receiver.shift
      if not (receiver.syn and sender.syn) then
        shift = 14
      elseif not (receiver.shift and sender.shift) then
        shift = 0
      end
      window = receiver.window * 2 ^ math.min(shift, 14)
    end
    local to, least = plus(from, window), plus(seen, 1)
    return from, since(to, least) < 0 and least or to
  end

  -- Whether a segment's checksum is wrong while those of its sender's others are right.
  function R.has_wrong_checksum(flow, segment)
    return flow.directions[segment.side].right and R.checksum_is_wrong(segment) == true
  end

  -- Why the receiver of a reset ignores it; nil where it may accept it.
  local function refuses_reset(flow, segment)
    local sender, receiver = flow.directions[segment.side], flow.directions[3 - segment.side]
    if R.has_wrong_checksum(flow, segment) then
      return "checksum"
    end
    if receiver.syn and not sender.sent then
      local acked = has(segment.flags, ACK) and since(segment.ack, receiver.base) > 0
        and since(segment.ack, receiver.next) <= 0
      return not acked and "answers_no_syn" or nil
    end
    if sender.base then
      local from, to = reset_window(sender, receiver)
      if since(segment.seq, from) < 0 or since(segment.seq, to) > 0 then
        return "out_of_window"
      end
    end
  end

  local function acknowledge(flow, segment, handler)
    local other = flow.directions[3 - segment.side]
    if has(segment.flags, ACK) then
      acknowledged(other, segment.ack)
      if can_concede(other) then
        concede(other, handler(3 - segment.side))
      end
    end
  end

  -- Takes the flow's reset, if there is one, for accepted.
  local function settle(flow, handler)
    local reset = flow.reset
    if reset and not reset.settled then
      reset.settled = true
      for _, side in ipairs({ reset.from, 3 - reset.from }) do
        finish(flow.directions[side], handler(side), "reset")
      end
    end
  end

  local function take_reset(flow, segment, handler)
    local own, other = flow.directions[segment.side], flow.directions[3 - segment.side]
    local why = refuses_reset(flow, segment)
    if why then
      handler(segment.side).remark("reset_ignored." .. why, { frame = segment.frame })
      return
    end
    sent(own, segment)
    acknowledge(flow, segment, handler)
    if segment.len > 0 then
      handler(segment.side).reset_cause(segment.octets)
    end
    if not (own.ended and other.ended) and (not flow.reset or flow.reset.settled) then
      flow.reset = {
        from = segment.side,
        frame = segment.frame,
        time = segment.time,
        seq = segment.seq,
        next = own.next,
      }
    end
  end

  -- Lets a segment tell whether the reset before it was accepted.
  local function after_reset(flow, segment, handler)
    local reset, own = flow.reset, flow.directions[segment.side]
    if not reset.settled and segment.time - reset.time > bounds.settled_after then
      settle(flow, handler)
    end
    local taken = segment.len + (has(segment.flags, SYN) and 1 or 0) + (has(segment.flags, FIN) and 1 or 0)
    local last = plus(segment.seq, taken)
    local brings = taken > 0 and own.next and since(last, own.next) > 0
    local goes_on
    if segment.side == reset.from then
      goes_on = brings and since(last, reset.seq) > 0
    else
      goes_on = segment.len > 0 and has(segment.flags, ACK) and reset.next
        and since(segment.ack, reset.next) > 0
    end
    if goes_on and not reset.settled then
      handler(reset.from).remark("reset_ignored.goes_on", { frame = reset.frame })
      flow.reset = nil
    elseif brings and segment.len > 0 and not reset.told then
      handler(segment.side).remark("after_reset", { reset = reset.frame })
      reset.told = true
    end
    if brings and (flow.directions[1].was_reset or flow.directions[2].was_reset) then
      for side = 1, 2 do
        flow.directions[side].was_reset, flow.directions[side].ended = nil, nil
      end
    end
  end

  -- Whether both sides have ended, or a reset may have ended them.
  function R.is_over(flow)
    return flow.reset ~= nil or (flow.directions[1].ended and flow.directions[2].ended)
  end

  -- Takes a segment. `handler(sender)` gives what is told of that side's bytes: octets(run),
  -- gap(octets), conflict(frame, from, to), given_up(bytes), ended(by).
  function R.push_segment(flow, segment, handler)
    local own = flow.directions[segment.side]
    if has(segment.flags, RST) then
      take_reset(flow, segment, handler)
      return
    end
    if R.accepts(segment.flags) and own.sent and own.base ~= segment.seq then
      handler(segment.side).remark("syn_ignored.goes_on", { frame = segment.frame })
      return
    end
    if flow.reset then
      after_reset(flow, segment, handler)
    end
    sent(own, segment)
    acknowledge(flow, segment, handler)
    push(own, segment, handler(segment.side))
    for _, side in ipairs({ segment.side, 3 - segment.side }) do
      if flow.directions[side].fin then
        finish(flow.directions[side], handler(side), "fin")
      end
    end
  end

  -- Ends what of a flow is still open: nothing more comes.
  function R.finish_flow(flow, handler)
    settle(flow, handler)
    for _, side in ipairs({ flow.client, 3 - flow.client }) do
      finish(flow.directions[side], handler(side), "end")
    end
  end

  function R.resets(flags)
    return has(flags, RST)
  end

  function R.acknowledges(flags)
    return has(flags, ACK)
  end

  function R.opens(flags)
    return has(flags, SYN) and not has(flags, ACK)
  end

  function R.accepts(flags)
    return has(flags, SYN) and has(flags, ACK)
  end
end
