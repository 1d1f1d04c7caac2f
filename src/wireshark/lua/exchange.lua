-- Exchanges: which response answers which request.
do
  local MAX_WAITING = L.bounds.waiting

  -- Stands among the requests that wait for one that was never captured.
  local LOST = {}

  local function wait(flow, request)
    local room = #flow.waiting <= MAX_WAITING
    if room then
      table.insert(flow.waiting, request)
    end
    return room
  end

  local function marry(request, response)
    if L.commands[request.command].action ~= L.commands[response.command].action then
      local values = { request = request.frame }
      table.insert(response.notes, R.note_of("wrong_response." .. request.command, values))
    end
    R.marry(request, response)
  end

  local function without_peer(message, key)
    if message ~= LOST then
      R.without_peer(message, key)
    end
  end

  local function pair_request(flow, request)
    local before = flow.waiting[#flow.waiting]
    if before and before ~= LOST then
      table.insert(request.notes, R.note_of("pipelined", { after = before.frame }))
    end
    flow.asked_to = request.stop
    -- Early responses before that to this request answer requests that were never captured.
    while flow.early[1] do
      local early = table.remove(flow.early, 1)
      if not R.answers_earlier(request, early) then
        marry(request, early)
        if early.time < request.time then
          local values = { response = early.frame }
          table.insert(request.notes, R.note_of("answered_before", values))
        end
        return
      end
      without_peer(early, "no_request")
    end
    if not wait(flow, request) then
      table.insert(request.notes, R.note_of("not_paired"))
    end
  end

  -- Takes a response while no request waits.
  local function before_its_request(flow, response)
    local ack = R.last_ack(response)
    local all_seen = flow.asked_to and not (ack and R.since(ack, flow.asked_to) > 0)
    if #flow.early == 0 and all_seen then
      table.insert(response.notes, R.note_of("no_request"))
      return
    end
    if #flow.early >= MAX_WAITING then
      without_peer(table.remove(flow.early, 1), "no_request")
    end
    table.insert(flow.early, response)
  end

  -- Which response answers which request: in order, the oldest request that waits, whichever of
  -- both was captured first.
  function R.pair(flow, message)
    local known = L.commands[message.command]
    if not known or message.uncounted then
      return
    end
    if known.kind == "request" then
      pair_request(flow, message)
      return
    end
    local request = flow.waiting[1]
    if not request then
      before_its_request(flow, message)
    elseif request == LOST then
      table.remove(flow.waiting, 1)
      table.insert(message.notes, R.note_of("no_request"))
    elseif R.answers_earlier(request, message) then
      table.insert(message.notes, R.note_of("no_request"))
    else
      table.remove(flow.waiting, 1)
      marry(request, message)
    end
  end

  -- No response comes any more.
  function R.all_unanswered(flow)
    for _, request in ipairs(flow.waiting) do
      without_peer(request, "unanswered")
    end
    flow.waiting = {}
  end

  -- No request comes any more.
  function R.all_unasked(flow)
    for _, response in ipairs(flow.early) do
      without_peer(response, "no_request")
    end
    flow.early = {}
  end

  -- This many messages of a kind cannot be told of, as bytes of them were never captured.
  function R.lost(flow, kind, messages)
    for _ = 1, math.min(messages, MAX_WAITING) do
      if kind.name == "response" then
        if #flow.waiting == 0 then
          break
        end
        without_peer(table.remove(flow.waiting, 1), "unanswered")
      elseif flow.early[1] then
        without_peer(table.remove(flow.early, 1), "no_request")
      else
        wait(flow, LOST)
      end
    end
  end

  -- Gives a copy of a flow lists of its own; the messages in them stay the same.
  function R.copy_waiting(flow, copy)
    copy.waiting, copy.early = { table.unpack(flow.waiting) }, { table.unpack(flow.early) }
  end
end
