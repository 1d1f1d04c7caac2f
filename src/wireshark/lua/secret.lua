-- What may be part of a password, by the rule of Authscope's `text::secret`.
do
  R.MASK = L.secret.mask

  -- Whether a number of a header reads as text: two characters stand side by side in it, or one
  -- beside anything else than NULs before it, unless it is a size in reverse byte order.
  local function reads_as_text(octets)
    if octets:find("^.%z%z%z$") then
      for _, kind in pairs(L.kinds) do
        if octets:byte() == kind.len or octets:byte() == kind.len - L.header_len then
          return false
        end
      end
    end
    return octets:find("[\32-\254][\32-\254]") ~= nil
      or (not octets:find("^%z%z%z") and octets:find("[\33-\126]") ~= nil)
  end

  local function octets_of(number)
    local octets = ""
    for place = 3, 0, -1 do
      octets = octets .. string.char(math.floor(number / 256 ^ place) % 256)
    end
    return octets
  end

  -- Before a known command a length of two bytes does not read as text.
  local function length_reads_as_text(length, command)
    return reads_as_text(octets_of(length)) and (length > L.secret.max_length or not L.commands[command])
  end

  -- Whether a byte that a response may have for its status is no character that a user types.
  local function is_number(octet)
    local characters, digits = L.secret.characters, L.secret.digits
    return octet < characters[1] or octet > characters[2] or (octet >= digits[1] and octet <= digits[2])
  end

  -- A number of a header for people, where it stands before a known command or alone.
  function R.shown_number(number, command)
    local text = length_reads_as_text(number, command)
    return text and "(text)" or ("%d"):format(number)
  end

  -- The length of a field's text, where it is well filled and not empty.
  local function filled(octets, field)
    local text, after = R.text(R.field(octets, field))
    return text ~= "" and not after and #text or nil
  end

  -- The byte that a full field seems filled up with; what stands for a hidden password is none.
  local function filling(text)
    local last, count = text:sub(-1), 0
    while count < #text and text:sub(-1 - count, -1 - count) == last do
      count = count + 1
    end
    local least = L.secret.fillings[last] or L.secret.other_filling
    return last ~= L.secret.hidden and count >= least and last or nil
  end

  -- Whether two full fields can be what they are taken for: a byte that fills the password's up
  -- stands at the end of the name's too, and the password begins with none that fills.
  local function are_filled_alike(octets)
    local name, password = R.field(octets, L.fields.username), R.field(octets, L.fields.password)
    local of_name, of_password, first = filling(name), filling(password), password:sub(1, 1)
    return not select(2, R.read_text(name)) and not select(2, R.read_text(password))
      and (not of_password or name:sub(-1) == of_password)
      and first ~= of_name and first ~= of_password
  end

  -- Whether a message is a whole request that can be nothing else. A full name is not told from
  -- name and password without filling, unless the password's field is full too.
  local function is_well_filled_request(octets)
    local known = L.commands[R.word(octets, 5)]
    if not R.is_header(octets) or known.kind ~= "request" or #octets < L.kinds.request.len then
      return false
    end
    local name = filled(octets, L.fields.username)
    local password = filled(octets, L.fields.password)
    return name ~= nil and password ~= nil
      and (name < L.fields.username.width or (password == L.fields.password.width and are_filled_alike(octets)))
  end

  local function response_is_clear(octets)
    local status = octets:byte(L.fields.status.offset + 1)
    local first = octets:byte(L.fields.description.offset + 1) or 0
    return status ~= nil and (first == 0 or (first >= 0x20 and first ~= 0x7f))
      and (L.statuses[status] or (R.is_header(octets) and is_number(status)))
  end

  -- The keys of the fields whose values are shown.
  function R.clear(message)
    if not reglogin.prefs.hide_passwords then
      return { length = true, command = true, username = true, password = true, status = true,
        description = true }
    end
    local octets = message.octets
    local clear = {}
    if message.command and not reads_as_text(octets_of(message.command)) then
      clear.command = true
      clear.length = not length_reads_as_text(message.length, message.command)
    elseif message.length and not message.command then
      clear.length = not length_reads_as_text(message.length)
    end
    local known = message.command and L.commands[message.command]
    if known and known.kind == "response" and message.from == "server" then
      clear.status = response_is_clear(octets)
      clear.description = clear.status
    elseif known and known.kind == "request" then
      clear.username = is_well_filled_request(octets)
    end
    return clear
  end
end
