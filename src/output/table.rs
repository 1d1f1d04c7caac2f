//! The packet list as a table, written row by row as frames come.

use std::io::Write as _;

use comfy_table::{Cell, CellAlignment, Color, ColumnConstraint, Row, TableStyle, Width};

use super::context::Context;
use super::forms::{Chosen, FormEntry, FormOptions, Waits, driven};
use super::info;
use super::rows::{Form, Rows, Told, messages_of};
use super::tone::Tone;
use crate::dissect::Message;
use crate::session::{FrameRecord, StreamNote};

/// `-T table`.
pub static FORM: FormEntry = FormEntry {
    name: "table",
    meaning: "A table with a header",
    for_people: true,
    rows: Rows::Watched,
    waits: Waits::ForBeginnings,
    fields: Chosen::Nothing,
    make: |options, out| driven(Table::new(&options), options.rows, out),
};

const COLUMNS: [&str; 7] = [
    "No.",
    "Time",
    "Source",
    "Destination",
    "Protocol",
    "Length",
    "Info",
];
const NUMBER: usize = 0;
const TIME: usize = 1;
const LENGTH: usize = 5;
const INFO: usize = 6;

/// Widths that fit usual values, so that rows stay lined up though later ones are not known yet:
/// five-digit numbers, IPv4 addresses, Ethernet frames. A longer value widens its column from
/// then on.
const USUAL: [u16; INFO] = [5, 11, 15, 15, 8, 6];
/// Columns between two columns of the table.
const GAP: u16 = 2;
/// Info is wrapped within the terminal's width only where at least this much is left for it.
const LEAST_INFO: u16 = 24;
/// Rows that wait to be laid out together at the most.
const BATCH: usize = 32;

/// The table.
#[derive(Debug)]
pub struct Table {
    color: bool,
    width: Option<fn() -> Option<u16>>,
    time_width: u16,
    widths: [u16; INFO],
    rows: Vec<Row>,
    begun: bool,
}

impl Table {
    /// A table without rows yet.
    #[must_use]
    pub fn new(options: &FormOptions) -> Self {
        Self {
            color: options.color,
            width: options.width,
            time_width: 0,
            widths: USUAL,
            rows: Vec::new(),
            begun: false,
        }
    }

    fn add(&mut self, out: &mut Vec<u8>, cells: [String; 7], tone: Tone, context: &Context) {
        self.time_width = context.clock.width();
        let color = tone.color().filter(|_| self.color);
        let row = cells.into_iter().map(|text| {
            let cell = Cell::new_owned(text);
            match color {
                Some(color) => cell.fg(Color::AnsiValue(color as u8)),
                None => cell,
            }
        });
        self.rows.push(row.collect::<Vec<_>>().into());
        if self.rows.len() >= BATCH {
            self.lay_out(out);
        }
    }
}

impl Form for Table {
    const HAS_NOTES: bool = true;

    fn frame(&mut self, out: &mut Vec<u8>, record: &FrameRecord<'_>, context: &Context) {
        let mut text = String::new();
        context.write_findings(&mut text);
        let protocol = info::frame(&mut text, record, context.show_passwords);
        let (source, destination) = info::addresses(record.packet)
            .map(|(from, to)| (from.to_string(), to.to_string()))
            .unwrap_or_default();
        let header = record.frame.header;
        let mut time = String::new();
        context.clock.write(&mut time, header.time);
        let noted = record
            .notes
            .iter()
            .map(|noted| Tone::of_severity(noted.note.severity()));
        let tone = Tone::of_all(messages_of(record)).max(noted.max().unwrap_or_default());
        let cells = [
            record.frame.number.to_string(),
            time,
            source,
            destination,
            protocol.to_owned(),
            header.wire.to_string(),
            text,
        ];
        self.add(out, cells, tone, context);
    }

    fn message(&mut self, out: &mut Vec<u8>, message: &Message, told: Told<'_>, context: &Context) {
        let mut time = String::new();
        context.clock.write(&mut time, message.time);
        let mut text = String::new();
        info::message(&mut text, message, context.show_passwords);
        let wire = told.wire();
        if let Err(late) = wire {
            info::late(&mut text, late);
        }
        let cells = [
            message.frame.to_string(),
            time,
            message.source.address.to_string(),
            message.destination.address.to_string(),
            message.protocol_name().to_owned(),
            wire.map(|wire| wire.to_string()).unwrap_or_default(),
            text,
        ];
        self.add(out, cells, Tone::of(message), context);
    }

    fn note(
        &mut self,
        out: &mut Vec<u8>,
        noted: &StreamNote,
        record: Option<&FrameRecord<'_>>,
        context: &Context,
    ) {
        let mut cells = <[String; 7]>::default();
        if let Some(record) = record {
            cells[NUMBER] = record.frame.number.to_string();
            let time = record.frame.header.time;
            context.clock.write(&mut cells[TIME], time);
        }
        cells[INFO] = format!("Stream {}:", noted.stream);
        info::marker(&mut cells[INFO], &noted.note);
        let tone = Tone::of_severity(noted.note.severity());
        self.add(out, cells, tone, context);
    }

    fn lay_out(&mut self, out: &mut Vec<u8>) {
        if self.rows.is_empty() {
            return;
        }
        let mut table = comfy_table::Table::new();
        table.load_style(TableStyle::new());
        if self.color {
            table.enforce_styling();
            table.style_text_only();
        } else {
            table.force_no_tty();
        }
        if !std::mem::replace(&mut self.begun, true) {
            table.set_header(COLUMNS);
        }
        table.add_rows(self.rows.drain(..));
        let seen = table.column_max_content_widths();
        self.widths[TIME] = self.widths[TIME].max(self.time_width);
        for (width, seen) in self.widths.iter_mut().zip(&seen) {
            *width = seen.max(width).to_owned();
        }
        let taken: u16 = self
            .widths
            .iter()
            .map(|width| width.saturating_add(GAP))
            .sum();
        let left = self
            .width
            .and_then(|width| width())
            .unwrap_or(u16::MAX)
            .saturating_sub(taken);
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, if index == INFO { 0 } else { GAP }));
            match self.widths.get(index) {
                Some(width) => {
                    column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(
                        width.saturating_add(GAP),
                    )));
                }
                None if left >= LEAST_INFO => {
                    column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(left)));
                }
                None => {}
            }
            if [NUMBER, TIME, LENGTH].contains(&index) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        for line in table.lines() {
            // Writing to memory does not fail.
            let _ = writeln!(out, "{}", line.trim_end());
        }
    }
}
