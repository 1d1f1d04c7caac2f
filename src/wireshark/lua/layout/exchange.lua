-- Exchanges of the layouts: which response answers which request, by the value that both carry or by order. Either side may ask.
do
  local MAX_WAITING = L.bounds.waiting

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

  -- Pairs a message of one side with what the other side sent.
  function R.pair(flow, side, message)
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

  -- What a side asked gets no response any more.
  function R.unanswered(flow, side)
    local asked = asker(flow, side)
    for _, request in ipairs(asked.requests) do
      without_peer(request, "unanswered")
    end
    asked.requests = {}
  end

  -- Early responses to a side get no request of it any more.
  function R.unasked(flow, side)
    local asked = asker(flow, side)
    for _, response in ipairs(asked.early) do
      without_peer(response, "no_request")
    end
    asked.early = {}
  end

  function R.all_unanswered(flow)
    R.unanswered(flow, 1)
    R.unanswered(flow, 2)
  end

  function R.all_unasked(flow)
    R.unasked(flow, 1)
    R.unasked(flow, 2)
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

  -- The least bytes of a request's response.
  local function response_size(request)
    local least
    for index in pairs(request.layout.kinds[request.kind].responses) do
      local size = request.layout.kinds[index].size or request.layout.least
      least = math.min(least or size, size)
    end
    return math.max(least or 1, 1)
  end

  -- Messages that a side sent were never captured: as many, where that is known, in a gap of so many bytes.
  function R.lost(flow, side, messages, octets)
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
end
