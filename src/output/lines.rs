//! The packet list as plain lines without a heading: one line per frame, message or exchange.

use std::fmt::Write as _;
use std::net::IpAddr;

use arrayvec::ArrayString;

use super::clock::TimeDisplay;
use super::context::Context;
use super::exchanges;
use super::forms::{Chosen, FormEntry, Waits, driven};
use super::info;
use super::rows::{Form, MessageTiming, Rows, hand_over};
use crate::capture::Timestamp;
use crate::dissect::Message;
use crate::filter::Needs;
use crate::session::{Exchange, FrameRecord, StreamNote};
use crate::text::put;

/// The form of `-T text`.
pub static FORM: FormEntry = FormEntry {
    name: "text",
    meaning: "A line a row, no header",
    for_people: true,
    is_binary: false,
    rows: Rows::Watched,
    waits: Waits::ForBeginnings,
    needs: Needs::NOTHING,
    fields: Chosen::Nothing,
    is_array: false,
    make: |options, out| driven(Lines::default(), &options, out),
};

/// Writes lines like tshark's: number, time, source, arrow, destination, protocol, length and info.
#[derive(Debug, Default)]
pub struct Lines {
    text: String,
}

/// Appends the capture's name, if lines begin with it.
fn write_file(out: &mut String, context: &Context, file: &str) {
    let width = context.origin.width();
    if width > 0 {
        let _ = write!(out, "{file:<width$}  ");
    }
}

/// Appends a frame number and a time, aligned to the right.
fn begin(out: &mut String, number: u64, time: Timestamp, clock: &TimeDisplay) {
    put::right(out, 5, |out| put::number(out, number));
    out.push(' ');
    put::right(out, clock.width().into(), |out| clock.write(out, time));
    out.push(' ');
}

/// Appends source and destination.
fn ends(out: &mut String, from: IpAddr, to: IpAddr) {
    put::address(out, from);
    out.push_str(" → ");
    put::address(out, to);
    out.push(' ');
}

/// Appends the line of a frame.
pub(super) fn write_frame(out: &mut String, record: &FrameRecord<'_>, context: &Context) {
    let header = record.frame.header;
    write_file(out, context, context.origin.short(record));
    begin(out, record.frame.number, header.time, &context.clock);
    if let Some((from, to)) = info::addresses(record.packet) {
        ends(out, from, to);
    }
    let start = out.len();
    context.write_findings(out);
    let protocol = info::frame(out, record, context.show_passwords);
    // The protocol comes before the info, but is known only after it.
    let mut before = ArrayString::<64>::new();
    for part in [protocol, " ", itoa::Buffer::new().format(header.wire), " "] {
        let _ = before.try_push_str(part);
    }
    out.insert_str(start, &before);
    out.push('\n');
}

/// Appends a note about a stream, and ends the line.
pub(super) fn write_note(out: &mut String, noted: &StreamNote) {
    let _ = write!(out, "Stream {}:", noted.stream);
    info::bracketed(out, &noted.note);
    out.push('\n');
}

/// Appends the line of a message, with the length of its frame, or the remark that it comes late.
pub(super) fn write_message(
    out: &mut String,
    message: &Message,
    told: MessageTiming<'_>,
    context: &Context,
) {
    let file = context.origin.short_of(message.stream, told.record());
    write_file(out, context, file);
    let wire = told.wire();
    begin(out, message.frame, message.time, &context.clock);
    let (from, to) = (message.source.address, message.destination.address);
    ends(out, from, to);
    out.push_str(message.protocol_name());
    out.push(' ');
    if let Ok(wire) = wire {
        put::number(out, wire);
        out.push(' ');
    }
    info::row(out, message, context.show_passwords);
    if let Err(late) = wire {
        info::late(out, late);
    }
    out.push('\n');
}

impl Form for Lines {
    const HAS_NOTES: bool = true;

    fn frame(&mut self, out: &mut Vec<u8>, record: &FrameRecord<'_>, context: &Context) {
        write_frame(&mut self.text, record, context);
        hand_over(&mut self.text, out);
    }

    fn message(
        &mut self,
        out: &mut Vec<u8>,
        message: &Message,
        told: MessageTiming<'_>,
        context: &Context,
    ) {
        write_message(&mut self.text, message, told, context);
        hand_over(&mut self.text, out);
    }

    fn exchange(&mut self, out: &mut Vec<u8>, exchange: &Exchange, context: &Context) {
        let number = exchange.messages()[0].frame;
        let file = context.origin.short_of(exchange.stream(), None);
        write_file(&mut self.text, context, file);
        begin(&mut self.text, number, exchange.time(), &context.clock);
        let [client, server] = exchange.ends();
        let _ = write!(
            self.text,
            "{client} → {server} {} ",
            exchange.protocol_name()
        );
        exchanges::sentence(&mut self.text, exchange, context.show_passwords);
        self.text.push('\n');
        hand_over(&mut self.text, out);
    }

    fn note(
        &mut self,
        out: &mut Vec<u8>,
        noted: &StreamNote,
        record: Option<&FrameRecord<'_>>,
        context: &Context,
    ) {
        let file = context.origin.short_of(noted.stream, record);
        write_file(&mut self.text, context, file);
        if let Some(record) = record {
            let time = record.frame.header.time;
            begin(&mut self.text, record.frame.number, time, &context.clock);
        }
        write_note(&mut self.text, noted);
        hand_over(&mut self.text, out);
    }
}
