"""Messages of nine protocols in a capture, decoded with construct (https://construct.readthedocs.io): an independent witness
for tests/support/layouts.rs, whose layouts are declared here once more, by hand.

Usage: construct_layouts.py PROTOCOL PORT CAPTURE

Writes a JSON object a message, one a line, with the keys that `authscope read -T jsonl --show-passwords` has. Segments are put
in order here too; of a direction with a gap the messages before it are written, and those behind it where messages of the
protocol can be told from anything else.
"""

import io
import json
import struct
import sys
import zlib

import construct
from construct import (
    Adapter, Array, Const, CString, Float32l, GreedyBytes, GreedyRange, GreedyString, Int8ub, Int16ub, Int16ul, Int32ub,
    Int32ul, PaddedString, PascalString, Prefixed, StreamError, Struct, Terminated, this,
)


class Named(Adapter):
    """A number with a name for each value that it may have."""

    def __init__(self, subcon, names):
        super().__init__(subcon)
        self.names = names

    def _decode(self, value, context, path):
        if value not in self.names:
            raise construct.MappingError("no name for %r" % value, path=path)
        return {"value": value, "name": self.names[value]}


class Flags(Adapter):
    """A set of bits, each with a name."""

    def __init__(self, subcon, bits):
        super().__init__(subcon)
        self.bits = bits

    def _decode(self, value, context, path):
        if value & ~sum(1 << bit for bit in self.bits):
            raise construct.MappingError("a bit without a name in %r" % value, path=path)
        return {"value": value, "names": [name for bit, name in self.bits.items() if value >> bit & 1]}


class Filled(Adapter):
    """Text that NUL fills up."""

    def __init__(self, width):
        super().__init__(PaddedString(width, "utf8"))

    def _decode(self, value, context, path):
        if "\0" in value:
            raise construct.StringError("text behind the filling", path=path)
        return value


class Hex(Adapter):
    def _decode(self, value, context, path):
        return value.hex()


def kind(*fields):
    return Struct(*fields, Terminated)


STATUS = {0: "failure", 1: "success"}

REQUEST = kind("username" / Filled(20), "password" / Filled(30))
RESPONSE = kind("status" / Named(Int8ub, STATUS), "description" / Filled(64))

TAGGED = kind("attrs" / GreedyRange(Struct("tag" / Int8ub, "value" / Hex(Prefixed(Int16ub, GreedyBytes)))))

ITEM = Struct(
    "sensor" / Int16ul,
    "value" / Float32l,
    "state" / Named(Int8ub, {0: "ok", 1: "stale", 2: "broken"}),
    "options" / Flags(Int16ul, {0: "urgent", 3: "signed"}),
)

# By name: the header, the bytes behind it, and the kinds of messages by the header's number for them.
PROTOCOLS = {
    "Little": (
        ["length" / Int32ul, "command" / Int32ul], this.length - 8, this.command,
        {3: ("login request", REQUEST), 4: ("login response", RESPONSE)},
    ),
    "Bare": (
        ["length" / Int32ub, "command" / Int32ub], this.length, this.command,
        {3: ("login request", REQUEST), 4: ("login response", RESPONSE)},
    ),
    "Short": (
        ["len" / Int16ub, "op" / Int16ub], this.len - 4, this.op,
        {
            7: ("login", kind("user" / CString("utf8"), "pass" / CString("utf8"))),
            8: ("reply", kind("code" / Named(Int8ub, {0: "bad", 1: "ok"}), "words" / GreedyString("utf8"))),
        },
    ),
    "Fixed": (
        ["magic" / Const(0xBEEF, Int16ub), "op" / Int16ub], lambda context: {1: 64, 2: 33}.get(context.op, 0), this.op,
        {
            1: ("hello", kind("name" / Filled(32), "word" / Filled(32))),
            2: ("welcome", kind("code" / Named(Int8ub, STATUS), "words" / Filled(32))),
        },
    ),
    "Pascal": (
        ["len" / Int32ub, "op" / Int8ub], this.len - 5, this.op,
        {
            1: ("login", kind("user" / PascalString(Int8ub, "utf8"), "pass" / PascalString(Int8ub, "utf8"))),
            2: ("reply", kind("code" / Named(Int8ub, STATUS), "words" / PascalString(Int8ub, "utf8"))),
        },
    ),
    "Strings": (
        ["magic" / Const(0xCAFEF00D, Int32ul), "size" / Int32ul, "op" / Int8ub], this.size - 9, this.op,
        {
            1: ("login", kind("user" / PascalString(Int16ul, "utf8"), "pass" / PascalString(Int16ul, "utf8"))),
            2: ("reply", kind("code" / Named(Int8ub, STATUS), "words" / PascalString(Int16ul, "utf8"))),
        },
    ),
    "Tlv": (
        ["len" / Int32ub, "op" / Int16ub], this.len - 2, this.op,
        {0x1001: ("get", TAGGED), 0x8001: ("got", TAGGED)},
    ),
    "Records": (
        ["magic" / Const(0xCAFE, Int16ul), "size" / Int16ul, "kind" / Int16ul], this.size, this.kind,
        {
            3: ("reading", kind(
                "count" / Int8ub,
                "items" / Array(this.count, ITEM),
                "note" / PascalString(Int8ub, "utf8"),
                "check" / Int32ul,
            )),
            4: ("answer", kind(
                "code" / Named(Int8ub, {0: "ok", 1: "refused"}),
                "words" / Filled(12),
                "check" / Int32ul,
            )),
        },
    ),
    "ById": (
        ["magic" / Const(0x4D51, Int16ub), "len" / Int32ub, "id" / Int32ub, "op" / Int16ub], this.len - 12, this.op,
        {
            0x11: ("ask", kind("topic" / PascalString(Int8ub, "utf8"))),
            0x12: ("tell", kind("words" / PascalString(Int8ub, "utf8"))),
        },
    ),
}

# Too little is always the same in these to find a message behind a gap.
WEAK = ("Short", "Pascal")


def plain(value):
    """A container of construct's as what JSON has, without its own entries."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items() if not key.startswith("_")}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value


class CutOff(Exception):
    """The message goes on behind the bytes that there are."""


class Decoder:
    def __init__(self, name):
        header, self.size, self.op, self.kinds = PROTOCOLS[name]
        self.header = Struct(*header)

    def decode(self, data, start):
        """The message at `start`: its kind, its fields, and where it ends."""
        # No header here is longer.
        stream = io.BytesIO(data[start:start + 16])
        try:
            header = self.header.parse_stream(stream)
        except StreamError:
            raise CutOff from None
        size, body = self.size(header), start + stream.tell()
        if self.op(header) not in self.kinds or size < 0:
            raise construct.SelectError("no such kind of message")
        end = body + size
        if end > len(data):
            raise CutOff
        title, fields = self.kinds[self.op(header)]
        fields = {**plain(header), **plain(fields.parse(data[body:end]))}
        if "check" in fields and fields["check"] != zlib.crc32(data[start:end - 4]):
            raise construct.ChecksumError("wrong check")
        return title, fields, end

    def chain(self, data, start):
        """All messages from `start` to the end, but for one that is cut off there; None where something else stands there."""
        found = []
        while start < len(data):
            try:
                name, fields, end = self.decode(data, start)
            except CutOff:
                break
            except construct.ConstructError:
                return None
            found.append((name, fields, end - start))
            start = end
        return found

    def messages(self, runs, searches):
        """The messages in runs of bytes between which something is missing."""
        first, data = runs[0] if runs else (0, b"")
        if first == 0:
            found = self.chain(data, 0)
            if found is None:
                raise SystemExit("the first bytes are no message")
            yield from found
            runs = runs[1:]
        for _, data in runs if searches else []:
            for start in range(len(data)):
                found = self.chain(data, start)
                if found:
                    yield from found
                    break


def segments(path, port):
    """The TCP segments of a capture: client's port, whether the client sent it, flags, sequence number, payload."""
    with open(path, "rb") as file:
        file.read(24)
        while len(head := file.read(16)) == 16:
            frame = file.read(struct.unpack("<IIII", head)[2])
            ip = frame[14:]
            tcp = ip[(ip[0] & 15) * 4:struct.unpack(">H", ip[2:4])[0]]
            source, destination, sequence = struct.unpack(">HHI", tcp[:8])
            from_client = destination == port
            yield source if from_client else destination, from_client, tcp[13], sequence, tcp[(tcp[12] >> 4) * 4:]


def in_order(parts):
    """Runs of bytes without a gap, each with its place in the direction."""
    runs = []
    end = None
    for place, payload in sorted(parts.items()):
        if place == end:
            runs[-1][1].append(payload)
        else:
            runs.append((place, [payload]))
        end = place + len(payload)
    return [(place, b"".join(payloads)) for place, payloads in runs]


def main():
    name, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    begins, sent = {}, {}
    for client, from_client, flags, sequence, payload in segments(path, port):
        side = (client, from_client)
        if flags & 2:
            begins[side] = sequence + 1
            sent.setdefault(client, {True: {}, False: {}})
        elif payload:
            # A segment that comes twice says the same twice.
            sent[client][from_client].setdefault((sequence - begins[side]) % 2**32, payload)
    decoder = Decoder(name)
    for stream, sides in enumerate(sent.values()):
        for from_client, parts in sides.items():
            for title, fields, length in decoder.messages(in_order(parts), name not in WEAK):
                print(json.dumps({
                    "stream": stream, "from": "client" if from_client else "server", "protocol": name, "type": title,
                    "length": length, "fields": fields, "notes": [],
                }))


main()
