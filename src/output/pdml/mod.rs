//! `-T pdml`: the details of packets in Wireshark's Packet Details Markup Language, an XML of protocols and fields with
//! their byte ranges and values. Names and values come from the field registry.

mod frame;
mod header;
mod ip;
mod message;
mod tcp;

use std::fmt::Write as _;
use std::ops::Range;

use super::context::Context;
use super::forms::{Chosen, FormEntry, Waits, driven};
use super::rows::{Form, MessageTiming, Rows, hand_over, messages_of};
use crate::dissect::Message;
use crate::filter::{Needs, View, field};
use crate::session::FrameRecord;
use crate::text::escape::{Hex, HexJoined, Xml};

/// The form of `-T pdml`.
pub static FORM: FormEntry = FormEntry {
    name: "pdml",
    meaning: "Every frame's details as XML, as tshark -T pdml has them for frame, ip, tcp and messages",
    for_people: false,
    is_binary: false,
    rows: Rows::All,
    waits: Waits::ForResponses,
    needs: Needs {
        analysis: true,
        ..Needs::NOTHING
    },
    fields: Chosen::Nothing,
    is_array: false,
    make: |options, out| driven(Pdml::default(), &options, out),
};

/// Writes frames as packets.
#[derive(Debug, Default)]
pub struct Pdml {
    text: String,
}

impl Form for Pdml {
    const WHOLE_FRAMES: bool = true;

    fn begin(&mut self, out: &mut Vec<u8>) {
        let version = env!("CARGO_PKG_VERSION");
        self.text
            .push_str("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
        let _ = writeln!(
            self.text,
            "<pdml version=\"0\" creator=\"authscope/{version}\">"
        );
        hand_over(&mut self.text, out);
    }

    fn frame(&mut self, out: &mut Vec<u8>, record: &FrameRecord<'_>, context: &Context) {
        let view = context.view(record);
        let mut tree = Tree::new(&mut self.text, &view, context.origin.is_told());
        tree.packet(|tree| {
            frame::general(tree);
            frame::frame(tree);
            ip::ip(tree);
            tcp::tcp(tree);
            for message in messages_of(record) {
                message::write(tree, message);
            }
        });
        hand_over(&mut self.text, out);
    }

    fn message(
        &mut self,
        out: &mut Vec<u8>,
        message: &Message,
        _: MessageTiming<'_>,
        context: &Context,
    ) {
        context.late(message, |view| {
            let mut tree = Tree::new(&mut self.text, view, context.origin.is_told());
            tree.packet(|tree| message::write(tree, message));
        });
        hand_over(&mut self.text, out);
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"</pdml>\n");
    }
}

/// The bytes of a field.
#[derive(Debug, Clone, Copy)]
enum Bytes<'a> {
    /// None.
    None,
    /// Whole bytes.
    All(&'a [u8]),
    /// Some bits, with the number that they make, and the bytes that contain them.
    Bits(i64, &'a [u8]),
}

/// The attributes of a field.
#[derive(Debug, Clone, Copy)]
struct Item<'a> {
    name: &'a str,
    showname: &'a str,
    hidden: bool,
    /// Its offset and size in bytes; the size is 0 if it is not on the wire.
    at: (usize, usize),
    show: Option<&'a str>,
    bytes: Bytes<'a>,
}

/// Writes the elements of a packet.
struct Tree<'a> {
    text: &'a mut String,
    view: &'a View<'a>,
    /// Whether frames have the field `frame.file`.
    tells_file: bool,
    depth: usize,
}

impl<'a> Tree<'a> {
    fn new(text: &'a mut String, view: &'a View<'a>, tells_file: bool) -> Self {
        Self {
            text,
            view,
            tells_file,
            depth: 0,
        }
    }

    fn packet(&mut self, inside: impl FnOnce(&mut Self)) {
        self.text.push_str("<packet>\n");
        self.depth = 1;
        inside(self);
        self.text.push_str("</packet>\n\n");
    }

    /// Writes a protocol with its fields.
    fn protocol(
        &mut self,
        name: &str,
        showname: &str,
        at: (usize, usize),
        inside: impl FnOnce(&mut Self),
    ) {
        self.indent();
        let (pos, size) = at;
        let _ = writeln!(
            self.text,
            "<proto name=\"{name}\" showname=\"{}\" size=\"{size}\" pos=\"{pos}\">",
            Xml(showname)
        );
        self.within("proto", inside);
    }

    fn within(&mut self, element: &str, inside: impl FnOnce(&mut Self)) {
        self.depth += 1;
        inside(self);
        self.depth -= 1;
        self.indent();
        let _ = writeln!(self.text, "</{element}>");
    }

    fn indent(&mut self) {
        for _ in 0..self.depth {
            self.text.push_str("  ");
        }
    }

    /// Writes the start of a field's element, without the closing bracket.
    fn open(&mut self, item: &Item<'_>) {
        self.indent();
        let _ = write!(self.text, "<field name=\"{}\"", item.name);
        if !item.showname.is_empty() {
            let _ = write!(self.text, " showname=\"{}\"", Xml(item.showname));
        }
        if item.hidden {
            self.text.push_str(" hide=\"yes\"");
        }
        let (pos, size) = item.at;
        let _ = write!(self.text, " size=\"{size}\" pos=\"{pos}\"");
        if let Some(show) = item.show {
            let _ = write!(self.text, " show=\"{}\"", Xml(show));
        }
        match item.bytes {
            Bytes::None => {}
            Bytes::All(octets) => {
                let _ = write!(self.text, " value=\"{}\"", Hex(octets));
            }
            Bytes::Bits(number, octets) => {
                let unmasked = Hex(octets);
                let _ = write!(
                    self.text,
                    " value=\"{number:X}\" unmaskedvalue=\"{unmasked}\""
                );
            }
        }
    }

    /// Writes a field.
    fn leaf(&mut self, item: &Item<'_>) {
        self.open(item);
        self.text.push_str("/>\n");
    }

    /// Writes a field that contains others.
    fn node(&mut self, item: &Item<'_>, inside: impl FnOnce(&mut Self)) {
        self.open(item);
        self.text.push_str(">\n");
        self.within("field", inside);
    }

    /// The value of a field with this index among those of the frame, as `-e` writes it. `None` if there is none.
    fn shown(&self, name: &str, index: usize) -> Option<String> {
        let field = field(name)?;
        field.nth(self.view, index, |value| {
            value.shown(field.kind, field.names).to_string()
        })
    }

    /// The value of a field with this index, as a number.
    fn number(&self, name: &str, index: usize) -> Option<i64> {
        #[expect(
            clippy::redundant_closure_for_method_calls,
            reason = "the method is of values of one lifetime, the closure of any"
        )]
        field(name)?.nth(self.view, index, |value| value.number())?
    }

    /// Writes a field that is not on the wire, if the frame has it. `says` makes its description from its value.
    fn generated(&mut self, name: &str, pos: usize, says: impl FnOnce(&str) -> String) {
        if let Some(show) = self.shown(name, 0) {
            self.leaf(&Item {
                name,
                showname: &says(&show),
                hidden: false,
                at: (pos, 0),
                show: Some(&show),
                bytes: Bytes::None,
            });
        }
    }

    /// Writes a field that is not on the wire, with a given value.
    fn fixed(&mut self, name: &str, showname: &str, pos: usize, show: &str) {
        self.leaf(&Item {
            name,
            showname,
            hidden: false,
            at: (pos, 0),
            show: Some(show),
            bytes: Bytes::None,
        });
    }
}

/// Draws the bits of a field of `width` bits as Wireshark does, with a dot for each bit outside `mask`.
fn drawn(value: u32, width: u32, mask: u32) -> String {
    let mut text = String::new();
    for bit in (0..width).rev() {
        text.push(match (mask >> bit & 1, value >> bit & 1) {
            (0, _) => '.',
            (_, 0) => '0',
            _ => '1',
        });
        if bit % 4 == 0 && bit > 0 {
            text.push(' ');
        }
    }
    text
}

/// Bytes in hexadecimal, with colons between them.
fn colons(octets: &[u8]) -> String {
    HexJoined(octets, ':').to_string()
}

/// Start and size of a range.
const fn place(range: &Range<usize>) -> (usize, usize) {
    (range.start, range.end - range.start)
}

/// `66 bytes`.
fn bytes(count: u32) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} byte{plural}")
}
