//! The packet list as a table. Rows are written as frames come, some at a time.

use super::columns::{
    DESTINATION, INFO, LENGTH, NUMBER, OF_EXCHANGES, OF_EXCHANGES_NARROW, OF_EXCHANGES_OF_FILES,
    OF_FRAMES, PROTOCOL, Row, SOURCE, Shape, TIME, TableColumns,
};
use super::context::Context;
use super::exchanges;
use super::forms::{Chosen, FormEntry, FormOptions, Waits, driven};
use super::highlight::Highlight;
use super::info;
use super::rows::{Form, MessageTiming, Rows, messages_of};
use crate::dissect::Message;
use crate::filter::Needs;
use crate::session::{Exchange, FrameRecord, StreamNote};
use crate::text::put;

/// The form of `-T table`.
pub static FORM: FormEntry = FormEntry {
    name: "table",
    meaning: "A table with a header",
    for_people: true,
    is_binary: false,
    rows: Rows::Watched,
    waits: Waits::ForBeginnings,
    needs: Needs::NOTHING,
    fields: Chosen::Nothing,
    is_array: false,
    make: |options, out| driven(Table::new(&options), &options, out),
};

/// In a terminal with at least so many columns, exchanges have all their columns.
const WIDE: u16 = 120;

/// Rows that are held back at most, to be laid out together.
const BATCH: usize = 32;

/// Writes the table.
#[derive(Debug)]
pub struct Table {
    shape: &'static Shape,
    columns: TableColumns,
    is_part: bool,
    width: Option<fn() -> Option<u16>>,
    time_width: u16,
    rows: Vec<Row>,
    /// Written rows, kept for reuse.
    spare: Vec<Row>,
}

impl Table {
    /// A table without rows.
    #[must_use]
    pub fn new(options: &FormOptions) -> Self {
        let width = options.width.and_then(|width| width());
        let is_narrow = width.is_some_and(|width| width < WIDE);
        let shape = match options.rows {
            Rows::Exchanges if is_narrow && options.file_width > 0 => &OF_EXCHANGES_OF_FILES,
            Rows::Exchanges if is_narrow => &OF_EXCHANGES_NARROW,
            Rows::Exchanges => &OF_EXCHANGES,
            _ => &OF_FRAMES,
        };
        let mut columns = TableColumns::new(shape, options.color, options.file_width, is_narrow);
        if options.part.is_some_and(|part| !part.is_first) {
            columns.without_headings();
        }
        Self {
            shape,
            columns,
            is_part: options.part.is_some(),
            width: options.width,
            time_width: 0,
            rows: Vec::new(),
            spare: Vec::new(),
        }
    }

    fn row(&mut self) -> Row {
        self.spare.pop().unwrap_or_else(|| Row::of(self.shape))
    }

    fn add(&mut self, out: &mut Vec<u8>, row: Row, context: &Context) {
        self.time_width = context.clock.width();
        self.rows.push(row);
        if self.rows.len() >= BATCH {
            self.lay_out(out);
        }
    }
}

impl Form for Table {
    const HAS_NOTES: bool = true;

    fn begin(&mut self, out: &mut Vec<u8>) {
        // The headings are also those of the captures that follow.
        if self.is_part {
            let terminal = self.width.and_then(|width| width());
            self.columns.write(out, &[], 0, terminal);
        }
    }

    fn frame(&mut self, out: &mut Vec<u8>, record: &FrameRecord<'_>, context: &Context) {
        let mut row = self.row();
        let cells = &mut row.cells;
        context.write_findings(&mut cells[INFO]);
        row.file.push_str(context.origin.short(record));
        let protocol = info::frame(&mut cells[INFO], record, context.show_passwords);
        if let Some((source, destination)) = info::addresses(record.packet) {
            put::address(&mut cells[SOURCE], source);
            put::address(&mut cells[DESTINATION], destination);
        }
        let header = record.frame.header;
        put::number(&mut cells[NUMBER], record.frame.number);
        context.clock.write(&mut cells[TIME], header.time);
        cells[PROTOCOL].push_str(protocol);
        put::number(&mut cells[LENGTH], header.wire);
        let noted = record
            .notes
            .iter()
            .map(|noted| Highlight::of_severity(noted.note.severity()));
        row.highlight = Highlight::of_all(messages_of(record)).max(noted.max().unwrap_or_default());
        self.add(out, row, context);
    }

    fn message(
        &mut self,
        out: &mut Vec<u8>,
        message: &Message,
        told: MessageTiming<'_>,
        context: &Context,
    ) {
        let mut row = self.row();
        let cells = &mut row.cells;
        let origin = &context.origin;
        row.file
            .push_str(origin.short_of(message.stream, told.record()));
        put::number(&mut cells[NUMBER], message.frame);
        context.clock.write(&mut cells[TIME], message.time);
        put::address(&mut cells[SOURCE], message.source.address);
        put::address(&mut cells[DESTINATION], message.destination.address);
        cells[PROTOCOL].push_str(message.protocol_name());
        info::row(&mut cells[INFO], message, context.show_passwords);
        match told.wire() {
            Ok(wire) => put::number(&mut cells[LENGTH], wire),
            Err(late) => info::late(&mut cells[INFO], late),
        }
        row.highlight = Highlight::of(message);
        self.add(out, row, context);
    }

    fn exchange(&mut self, out: &mut Vec<u8>, exchange: &Exchange, context: &Context) {
        let shows = context.show_passwords;
        let [client, server] = exchange.ends();
        let mut row = self.row();
        row.file
            .push_str(context.origin.short_of(exchange.stream(), None));
        let all = std::ptr::eq(self.shape, &raw const OF_EXCHANGES);
        let has_client = all || std::ptr::eq(self.shape, &raw const OF_EXCHANGES_NARROW);
        let mut cells = row.cells.iter_mut();
        let mut next = |write: &mut dyn FnMut(&mut String)| {
            if let Some(cell) = cells.next() {
                write(cell);
            }
        };
        next(&mut |cell| context.clock.write(cell, exchange.time()));
        if all {
            next(&mut |cell| put::endpoint(cell, client.address, client.port));
            next(&mut |cell| put::endpoint(cell, server.address, server.port));
        } else if has_client {
            next(&mut |cell| put::address(cell, client.address));
        }
        next(&mut |cell| cell.push_str(exchange.action().unwrap_or("?")));
        next(&mut |cell| {
            if let Some(user) = exchange.user(shows) {
                put::escaped(cell, &user);
            }
        });
        next(&mut |cell| cell.push_str(&exchanges::milliseconds(exchange)));
        if all {
            next(&mut |cell| put::number(cell, exchange.stream()));
            next(&mut |cell| cell.push_str(&exchanges::frames(exchange)));
        }
        next(&mut |cell| exchanges::said(cell, exchange, shows));
        row.highlight = exchange.response().map_or(Highlight::Note, Highlight::of);
        self.add(out, row, context);
    }

    fn note(
        &mut self,
        out: &mut Vec<u8>,
        noted: &StreamNote,
        record: Option<&FrameRecord<'_>>,
        context: &Context,
    ) {
        let mut row = self.row();
        let cells = &mut row.cells;
        row.file
            .push_str(context.origin.short_of(noted.stream, record));
        if let Some(record) = record {
            put::number(&mut cells[NUMBER], record.frame.number);
            let time = record.frame.header.time;
            context.clock.write(&mut cells[TIME], time);
        }
        put::formatted(&mut cells[INFO], format_args!("Stream {}:", noted.stream));
        info::marker(&mut cells[INFO], &noted.note);
        row.highlight = Highlight::of_severity(noted.note.severity());
        self.add(out, row, context);
    }

    fn lay_out(&mut self, out: &mut Vec<u8>) {
        if self.rows.is_empty() {
            return;
        }
        let terminal = self.width.and_then(|width| width());
        self.columns
            .write(out, &self.rows, self.time_width, terminal);
        self.rows.iter_mut().for_each(Row::clear);
        self.spare.append(&mut self.rows);
    }
}
