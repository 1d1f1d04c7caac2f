//! The packet list as a table, written row by row as frames come.

use std::io::{self, Write};
use std::ops::ControlFlow;

use comfy_table::{Cell, CellAlignment, Color, ColumnConstraint, Row, TableStyle, Width};

use super::clock::{Clock, TimeFormat};
use super::info::{self, Late};
use super::select::{Rows, Select, late_messages, loose_notes, messages_of};
use super::tone::Tone;
use crate::dissect::Message;
use crate::session::{FrameRecord, Remainder, Sink, StreamNote};

/// How a table looks.
#[derive(Debug, Clone, Copy, Default)]
pub struct TableOptions {
    /// What the Time column shows.
    pub time: TimeFormat,
    /// Whether rows are coloured by outcome.
    pub color: bool,
    /// Asked for the terminal's width, in columns, whenever rows are written; `None` where there
    /// is no terminal to fit.
    pub width: Option<fn() -> Option<u16>>,
}

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
pub struct Table<W> {
    out: W,
    select: Select,
    options: TableOptions,
    clock: Clock,
    widths: [u16; INFO],
    rows: Vec<Row>,
    begun: bool,
}

impl<W: Write> Table<W> {
    /// A table without rows yet.
    pub fn new(out: W, select: Select, options: TableOptions) -> Self {
        let clock = Clock::new(options.time);
        Self {
            out,
            select,
            options,
            clock,
            widths: USUAL,
            rows: Vec::new(),
            begun: false,
        }
    }

    fn add(&mut self, cells: [String; 7], tone: Tone) -> io::Result<()> {
        let color = tone.color().filter(|_| self.options.color);
        let row = cells.into_iter().map(|text| {
            let cell = Cell::new_owned(text);
            match color {
                Some(color) => cell.fg(Color::AnsiValue(color as u8)),
                None => cell,
            }
        });
        self.rows.push(row.collect::<Vec<_>>().into());
        if self.rows.len() >= BATCH {
            self.flush_rows()?;
        }
        Ok(())
    }

    fn frame(&mut self, record: &FrameRecord<'_>) -> io::Result<()> {
        let mut text = String::new();
        self.select.write_findings(&mut text);
        let protocol = info::frame(&mut text, record, self.select.show_passwords);
        let (source, destination) = info::addresses(record.packet)
            .map(|(from, to)| (from.to_string(), to.to_string()))
            .unwrap_or_default();
        let header = record.frame.header;
        let mut time = String::new();
        self.clock.write(&mut time, header.time);
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
        self.add(cells, tone)
    }

    /// A row of a message: with the length of its frame where that is at hand, or late.
    fn message(&mut self, message: &Message, wire: Result<u32, Late>) -> io::Result<()> {
        let mut time = String::new();
        self.clock.write(&mut time, message.time);
        let mut text = String::new();
        info::message(&mut text, message, self.select.show_passwords);
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
        self.add(cells, Tone::of(message))
    }

    /// A row of what is said of a stream; the frame that gave rise to it where there is one.
    fn note(&mut self, noted: &StreamNote, record: Option<&FrameRecord<'_>>) -> io::Result<()> {
        let mut cells = <[String; 7]>::default();
        if let Some(record) = record {
            cells[NUMBER] = record.frame.number.to_string();
            self.clock.write(&mut cells[TIME], record.frame.header.time);
        }
        cells[INFO] = format!("Stream {}:", noted.stream);
        info::marker(&mut cells[INFO], &noted.note);
        self.add(cells, Tone::of_severity(noted.note.severity()))
    }

    /// Lays out the rows that wait and writes them.
    fn flush_rows(&mut self) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let mut table = comfy_table::Table::new();
        table.load_style(TableStyle::new());
        if self.options.color {
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
        self.widths[TIME] = self.widths[TIME].max(self.clock.width());
        for (width, seen) in self.widths.iter_mut().zip(&seen) {
            *width = seen.max(width).to_owned();
        }
        let taken: u16 = self
            .widths
            .iter()
            .map(|width| width.saturating_add(GAP))
            .sum();
        let left = self
            .options
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
            self.out.write_all(line.trim_end().as_bytes())?;
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }
}

impl<W: Write> Table<W> {
    /// Takes what no frame completed.
    fn behind(&mut self, found: &Remainder<'_>, when: Late) -> io::Result<()> {
        for late in found.messages {
            if self.select.takes_late(late) {
                self.message(late, Err(when))?;
            }
        }
        if self.select.filter.is_none() {
            for noted in found.notes {
                if noted.note.severity() >= crate::dissect::Severity::Warning {
                    self.note(noted, None)?;
                }
            }
        }
        Ok(())
    }
}

impl<W: Write> Sink for Table<W> {
    type Error = io::Error;

    fn record(&mut self, record: &FrameRecord<'_>) -> io::Result<ControlFlow<()>> {
        self.clock.see(record.frame.header.time);
        if self.select.takes(record) {
            if self.select.rows == Rows::Messages {
                let wire = record.frame.header.wire;
                for found in messages_of(record) {
                    self.message(found, Ok(wire))?;
                }
            } else {
                self.frame(record)?;
            }
        }
        for noted in loose_notes(record, &self.select) {
            self.note(noted, Some(record))?;
        }
        for late in late_messages(record) {
            if self.select.takes_late(late) {
                self.message(late, Err(Late::With(record.frame.number)))?;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn between(&mut self, found: &Remainder<'_>) -> io::Result<()> {
        self.behind(found, Late::Between)
    }

    fn pause(&mut self) -> io::Result<ControlFlow<()>> {
        self.flush_rows()?;
        self.out.flush()?;
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> io::Result<()> {
        self.behind(remainder, Late::AtEnd)?;
        self.flush_rows()?;
        self.out.flush()
    }
}
