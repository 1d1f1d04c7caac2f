//! The arguments of every command that writes rows, and which rows they select.

mod open;

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::error::Failure;
use super::query::{Query, QueryArguments};
use super::run::Plan;
use super::terminal::{When, is_terminal, terminal_width};
use crate::filter::field;
use crate::output::forms::{Chosen, FORMS, FormEntry, FormOptions, Part, form};
use crate::output::{OCTETS, Rows, TREE, TimeFormat};
use crate::wireshark::explain;
pub(super) use open::SharedOutput;

// Each of these is a flag of its own on the command line.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArguments {
    /// What is written.
    #[arg(
        short = 'T',
        long = "type",
        value_name = "TYPE",
        default_value = FORMS[0].name,
        value_parser = form_names()
    )]
    format: &'static FormEntry,

    /// No rows.
    #[arg(short, long)]
    quiet: bool,

    /// A row for each message instead of each frame; in JSON that is so anyway.
    #[arg(long, conflicts_with = "frames")]
    messages: bool,

    /// A row for each exchange: a request with its response, or what there is of them.
    #[arg(long, conflicts_with_all = ["messages", "frames", "details", "hex", "explain"])]
    exchanges: bool,

    /// The same, and what is said of frames: for files that are given without a subcommand.
    #[arg(long, hide = true)]
    exchanges_of_files: bool,

    /// Every frame, whatever it carries: a row, an object with its messages, or its details.
    #[arg(long, visible_alias = "all")]
    frames: bool,

    /// The details of each message, from its frame to its fields.
    #[arg(short = 'V', long)]
    details: bool,

    /// With -V, beside each line the display filter that selects what it says.
    #[arg(long, requires = "details")]
    field_names: bool,

    /// The bytes of each message's frame, the message in brackets.
    #[arg(short = 'x', long)]
    hex: bool,

    /// With --frames, the bytes of TCP payload too; what may be part of a password is `**`.
    #[arg(long, requires = "frames")]
    payload: bool,

    /// For each message, what Wireshark says of it without the plugin, and why.
    #[arg(long, conflicts_with_all = ["format", "messages", "frames", "details", "hex"])]
    explain: bool,

    /// With -T csv, text as it is: else a cell that a spreadsheet would run as a formula, because
    /// it begins with =, +, - or @, has an apostrophe before it.
    #[arg(long)]
    csv_raw: bool,

    /// After the rows, what they amount to, as `authscope stats` has it; on standard error where
    /// the rows are JSON or fields.
    #[arg(long)]
    stats: bool,

    /// Passwords in clear instead of ********.
    #[arg(long)]
    show_passwords: bool,

    /// In exchanges as JSON, a tag of each password under the key in this file: whether two are the same, and nothing
    /// else, for who does not have the key.
    #[arg(long, value_name = "KEY_FILE", requires = "exchanges")]
    password_tags: Option<PathBuf>,

    /// What the Time column shows.
    #[arg(short = 't', long, value_enum, value_name = "FORMAT", default_value_t)]
    time: TimeFormat,

    /// Colours by outcome; auto is on a terminal where NO_COLOR is not set.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    color: When,

    #[command(flatten)]
    query: QueryArguments,
}

/// The forms by their names.
fn form_names() -> impl TypedValueParser<Value = &'static FormEntry> {
    let values = FORMS
        .iter()
        .map(|form| PossibleValue::new(form.name).help(form.meaning));
    PossibleValuesParser::new(values).try_map(|name| form(&name).ok_or("there is no such form"))
}

/// The fields that are written if none is named.
const DEFAULT_FIELDS: [&str; 16] = [
    "frame.number",
    "frame.time_epoch",
    "ip.src",
    "ipv6.src",
    "tcp.srcport",
    "ip.dst",
    "ipv6.dst",
    "tcp.dstport",
    "tcp.stream",
    "frame.len",
    "reglogin.type",
    "reglogin.username",
    "reglogin.outcome",
    "reglogin.description",
    "reglogin.response_to",
    "reglogin.time",
];

impl OutputArguments {
    /// The form of the rows.
    fn form(&self) -> &'static FormEntry {
        let takes_details = self.format.for_people;
        match (self.details, self.hex) {
            _ if self.explain => &explain::FORM,
            (true, _) if takes_details => &TREE,
            (false, true) if takes_details => &OCTETS,
            _ => self.format,
        }
    }

    /// The query: filter and fields.
    pub fn query(&self) -> Result<Query, Failure> {
        let mut query = self.query.query(self.show_passwords)?;
        self.check_binary()?;
        let chosen = self.format.fields;
        if chosen == Chosen::Nothing && !query.fields.is_empty() {
            let message = "-e names fields for -T fields, -T csv or -T ek; choose one of these";
            return Err(Failure::Text(message.to_owned()));
        }
        if chosen != Chosen::Named && query.has_options {
            let message = "-E says how -T fields looks; choose that";
            return Err(Failure::Text(message.to_owned()));
        }
        if self.csv_raw && self.format.name != "csv" {
            let message = "--csv-raw is about the cells of -T csv; choose that";
            return Err(Failure::Text(message.to_owned()));
        }
        if query.fields.is_empty() {
            match chosen {
                Chosen::Nothing => {}
                Chosen::Named => {
                    let message = "-T fields writes the fields named with -e, and none is named; `authscope fields` lists them";
                    return Err(Failure::Text(message.to_owned()));
                }
                // Exchanges have columns of their own.
                Chosen::NamedOrDefault if self.has_exchanges() && self.format.name == "csv" => {}
                Chosen::NamedOrDefault => {
                    query.has_default_fields = true;
                    query.fields = DEFAULT_FIELDS.into_iter().filter_map(field).collect();
                }
            }
        }
        Ok(query)
    }

    /// Checks that the form has such rows and can be written to standard output.
    fn check_binary(&self) -> Result<(), Failure> {
        let name = self.format.name;
        if !self.form().is_binary || self.quiet {
            return Ok(());
        }
        if self.frames || self.details || self.hex {
            let message =
                format!("-T {name} has rows for messages and exchanges, not for frames or details");
            return Err(Failure::Text(message));
        }
        if is_terminal() {
            let message =
                format!("-T {name} is no text for a terminal; write it to a file: > FILE.{name}");
            return Err(Failure::Text(message));
        }
        Ok(())
    }

    /// Which rows are shown. A filter and fields apply to all frames, as in tshark.
    fn rows(&self, has_filter: bool) -> Rows {
        match self.form().rows {
            _ if self.has_exchanges() => Rows::Exchanges,
            _ if self.frames => Rows::All,
            _ if self.messages || self.details || self.hex => Rows::Messages,
            Rows::Watched if has_filter => Rows::All,
            rows => rows,
        }
    }

    /// The options that tell a form how its rows look.
    fn form_options(
        &self,
        query: Query,
        rows: Rows,
        plan: &Plan,
        part: Option<Part>,
    ) -> FormOptions {
        FormOptions {
            rows,
            color: self.color.applies(),
            width: is_terminal().then_some(terminal_width as _),
            tree: self.details,
            octets: self.hex,
            field_names: self.field_names,
            payload: self.payload,
            in_fields: plan.inspection.reglogin_in_fields,
            fields: query.fields,
            columns: query.columns,
            raw: self.csv_raw,
            part,
            file_width: plan.origin().width(),
        }
    }

    const fn has_exchanges(&self) -> bool {
        self.exchanges || self.exchanges_of_files
    }

    /// Whether the form is text for people.
    pub fn is_text(&self) -> bool {
        !self.form().is_binary
    }

    /// Whether no rows are written.
    pub const fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Why the output of several captures cannot be shown one after the other, if so.
    pub fn refuses_each(&self) -> Option<&'static str> {
        if self.form().is_binary {
            return Some(
                "--each shows the rows of one capture behind those of another, which -T parquet cannot: write a file for each capture",
            );
        }
        self.stats
            .then_some("--each shows rows only; authscope stats --each counts every file by itself")
    }

    /// Whether the rows of several captures become one array.
    pub fn is_array(&self) -> bool {
        self.form().is_array
    }
}
