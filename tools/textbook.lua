-- RegLogin as a textbook dissector does it: fixed offsets, one message a segment, nothing checked.
local textbook = Proto("textbook", "RegLogin (textbook)")

local commands = {
    [1] = "Registration request",
    [2] = "Registration response",
    [3] = "Login request",
    [4] = "Login response",
}

local length = ProtoField.uint32("textbook.length", "Total length")
local command = ProtoField.uint32("textbook.command", "Command", base.DEC, commands)
local username = ProtoField.string("textbook.username", "User name")
local password = ProtoField.string("textbook.password", "Password")
local status = ProtoField.uint8("textbook.status", "Status")
local description = ProtoField.string("textbook.description", "Description")

textbook.fields = { length, command, username, password, status, description }

function textbook.dissector(buffer, pinfo, tree)
    pinfo.cols.protocol = "RegLogin"
    local subtree = tree:add(textbook, buffer(), "RegLogin")
    subtree:add(length, buffer(0, 4))
    subtree:add(command, buffer(4, 4))
    local number = buffer(4, 4):uint()
    if number == 1 or number == 3 then
        subtree:add(username, buffer(8, 20))
        subtree:add(password, buffer(28, 30))
    else
        subtree:add(status, buffer(8, 1))
        subtree:add(description, buffer(9, 64))
    end
    pinfo.cols.info = commands[number]
end

DissectorTable.get("tcp.port"):add(8888, textbook)
