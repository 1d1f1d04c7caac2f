//! What is shown and how: the arguments that every command with rows has, and their outputs.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;

use clap::{Args, ValueEnum};

use super::error::Failure;
use super::query::{Query, QueryArguments};
use crate::filter::field;
use crate::output::{
    Answers, Charset, Details, DetailsOptions, FieldRows, FieldsFormat, JsonOptions, JsonSink,
    Layout, Lines, Losses, Overview, Rows, Select, Stats, StatsFormat, Table, TableOptions, Tee,
    TextStyle, TimeFormat, Watch,
};
use crate::session::summary::Summary;
use crate::session::{Holding, Options};
use crate::wireshark::explain::{ExplainOptions, ExplainSink};

/// Octets that wait to be written to standard output at the most.
const BUFFER: usize = 1 << 16;

// Each of these is a flag of its own on the command line.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArguments {
    /// What is written.
    #[arg(
        short = 'T',
        long = "type",
        value_enum,
        value_name = "TYPE",
        default_value_t
    )]
    format: Format,

    /// No rows.
    #[arg(short, long)]
    quiet: bool,

    /// A row for each message instead of each frame; in JSON that is so anyway.
    #[arg(long, conflicts_with = "frames")]
    messages: bool,

    /// Every frame, whatever it carries: a row, an object with its messages, or its details.
    #[arg(long, visible_alias = "all")]
    frames: bool,

    /// The details of each message, from its frame to its fields.
    #[arg(short = 'V', long)]
    details: bool,

    /// The octets of each message's frame, the message in brackets.
    #[arg(short = 'x', long)]
    hex: bool,

    /// With --frames, the octets of TCP payload too; what may be part of a password is `**`.
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

    /// What the Time column shows.
    #[arg(short = 't', long, value_enum, value_name = "FORMAT", default_value_t)]
    time: TimeFormat,

    /// Colours by outcome; auto is on a terminal where NO_COLOR is not set.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    color: When,

    #[command(flatten)]
    query: QueryArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    /// A table with a header.
    #[default]
    Table,
    /// A line a row, no header.
    Text,
    /// An array of objects.
    Json,
    /// An object a line.
    Jsonl,
    /// The fields named with -e, as columns of text.
    Fields,
    /// The fields named with -e, or a choice of them, as comma-separated values.
    Csv,
    /// The fields named with -e, or a choice of them, for Elasticsearch's bulk interface.
    Ek,
}

impl Format {
    /// Whether it writes fields.
    const fn has_fields(self) -> bool {
        matches!(self, Self::Fields | Self::Csv | Self::Ek)
    }
}

/// Fields that are written where none is named.
const USUAL_FIELDS: [&str; 16] = [
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum When {
    #[default]
    Auto,
    Always,
    Never,
}

impl When {
    pub fn applies(self) -> bool {
        match self {
            Self::Auto => {
                io::stdout().is_terminal()
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                    && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// What is known of what was shown once a run is over.
pub(super) struct Shown {
    /// What says whether a filter matched.
    pub watch: Option<Watch>,
    rows: Rows,
    overview: Overview,
    /// What was given up, where no summary says it.
    losses: Losses,
}

impl Shown {
    /// Says on standard error what there was where little or nothing of it was shown, and what was given up.
    pub fn say(&self) {
        let missed = self.watch.as_ref().is_some_and(Watch::has_missed);
        let lines = self.overview.lines(self.rows, missed);
        for line in lines.into_iter().chain(self.losses.given_up().sentences()) {
            // That nobody reads it is no failure.
            let _ = writeln!(io::stderr(), "authscope: {line}");
        }
    }
}

impl OutputArguments {
    /// What is asked of the capture.
    pub fn query(&self) -> Result<Query, Failure> {
        let mut query = self.query.query(self.show_passwords)?;
        if !self.format.has_fields() && !query.fields.is_empty() {
            let message = "-e names fields for -T fields, -T csv or -T ek; choose one of these";
            return Err(Failure::Text(message.to_owned()));
        }
        if self.format != Format::Fields && query.has_options {
            let message = "-E says how -T fields looks; choose that";
            return Err(Failure::Text(message.to_owned()));
        }
        if self.csv_raw && self.format != Format::Csv {
            let message = "--csv-raw is about the cells of -T csv; choose that";
            return Err(Failure::Text(message.to_owned()));
        }
        if self.format.has_fields() && query.fields.is_empty() {
            if self.format == Format::Fields {
                let message = "-T fields writes the fields named with -e, and none is named; `authscope fields` lists them";
                return Err(Failure::Text(message.to_owned()));
            }
            query.fields = USUAL_FIELDS.into_iter().filter_map(field).collect();
        }
        Ok(query)
    }

    /// Which rows are shown. A filter and fields choose among all frames, as in tshark.
    fn select(&self, has_filter: bool) -> Select {
        let a_message_each =
            self.details || self.hex || matches!(self.format, Format::Json | Format::Jsonl);
        Select::all(if self.frames {
            Rows::All
        } else if self.messages || a_message_each {
            Rows::Messages
        } else if self.format.has_fields() || has_filter {
            Rows::All
        } else {
            Rows::Watched
        })
    }

    /// Whether no rows are written.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Adds the rows that were asked for, on standard output unless a capture is saved there.
    /// `answers` are the responses that come later than their requests, where the query needs
    /// them. Gives what is to be looked at when the run is over.
    pub fn add_to(
        &self,
        tee: &mut Tee<'_>,
        save: Option<&Path>,
        mut query: Query,
        answers: Option<Answers>,
        replay: bool,
        inspection: &Options,
    ) -> Result<Shown, Failure> {
        let overview = Overview::default();
        tee.add(overview.clone());
        let kind = if self.explain {
            Rows::Messages
        } else {
            self.select(query.filter.is_some()).rows
        };
        let mut rows = Tee::default();
        let watch = self.add_all(&mut rows, save, &mut query, answers, inspection)?;
        let losses = Losses::default();
        if !self.stats {
            rows.add(losses.clone());
        }
        // Requests name their responses, and frames where a message goes on that they begin, where
        // rows can wait for them.
        let names_responses =
            !self.quiet && (self.details || matches!(self.format, Format::Json | Format::Jsonl));
        let names_frames = !self.quiet && matches!(self.format, Format::Table | Format::Text);
        if replay && names_frames && !names_responses {
            tee.add(Holding::of_beginnings(rows));
        } else if !replay || !names_responses {
            tee.add(rows);
        } else if watch.is_some() || self.details || self.frames || self.stats {
            tee.add(Holding::all(rows));
        } else {
            tee.add(Holding::of_messages(rows));
        }
        Ok(Shown {
            watch,
            rows: if self.quiet { Rows::All } else { kind },
            overview,
            losses,
        })
    }

    fn add_all(
        &self,
        tee: &mut Tee<'_>,
        save: Option<&Path>,
        query: &mut Query,
        answers: Option<Answers>,
        inspection: &Options,
    ) -> Result<Option<Watch>, Failure> {
        if let Some(warning) = query.warning(self.show_passwords) {
            let _ = writeln!(io::stderr(), "authscope: {warning}");
        }
        let mut needs = query.needs();
        let mut select = self.select(query.filter.is_some());
        select.show_passwords = self.show_passwords;
        let tells_findings = select.rows != Rows::Messages
            && !self.quiet
            && matches!(self.format, Format::Table | Format::Text);
        needs.analysis |= tells_findings;
        let filter = query.filter.take();
        let watch = (filter.is_some() || self.format.has_fields())
            .then(|| Watch::new(filter, needs, answers, self.show_passwords));
        if let Some(watch) = &watch {
            tee.add(watch.clone());
            select.filter = Some(Rc::new(watch.clone()));
            select.analysis = tells_findings.then(|| watch.clone());
        } else if tells_findings {
            let mut analysis = Watch::new(None, needs, None, self.show_passwords);
            if select.rows == Rows::Watched {
                analysis = analysis.of_watched();
            }
            tee.add(analysis.clone());
            select.analysis = Some(analysis);
        }
        if self.quiet || save.is_some_and(|path| path.as_os_str() == "-") {
            if watch.is_some() {
                // It is asked all the same, for the exit code.
                tee.add_printer(Lines::new(io::sink(), select.clone(), self.time));
            }
            self.add_stats(tee, save, select)?;
            return Ok(watch);
        }
        let behind = select.clone();
        let out = standard_output()?;
        match &watch {
            Some(watch) if self.format.has_fields() => {
                let format = match self.format {
                    Format::Csv => FieldsFormat::Csv { raw: self.csv_raw },
                    Format::Ek => FieldsFormat::Bulk,
                    _ => FieldsFormat::Columns(std::mem::take(&mut query.columns)),
                };
                tee.add_printer(FieldRows::new(
                    out,
                    select,
                    watch.clone(),
                    std::mem::take(&mut query.fields),
                    format,
                ));
            }
            _ => self.add_rows(tee, out, select, inspection),
        }
        self.add_stats(tee, save, behind)?;
        Ok(watch)
    }

    /// Adds the summary where it was asked for; behind the rows, which end first.
    fn add_stats(
        &self,
        tee: &mut Tee<'_>,
        save: Option<&Path>,
        select: Select,
    ) -> Result<(), Failure> {
        if !self.stats {
            return Ok(());
        }
        let for_people = matches!(self.format, Format::Table | Format::Text);
        let taken = save.is_some_and(|path| path.as_os_str() == "-");
        let out: Box<dyn Write> = if (for_people || self.quiet) && !taken {
            Box::new(standard_output()?)
        } else {
            Box::new(io::stderr())
        };
        let format = StatsFormat::Text(text_style(self.color));
        let summary = Summary::default();
        tee.add_printer(Stats::new(out, summary, select.filter, format, None));
        Ok(())
    }

    fn add_rows(
        &self,
        tee: &mut Tee<'_>,
        out: BufWriter<File>,
        select: Select,
        inspection: &Options,
    ) {
        if self.explain {
            let show_passwords = self.show_passwords;
            let options = ExplainOptions { show_passwords };
            tee.add_printer(ExplainSink::new(out, select, options));
            return;
        }
        let json = JsonOptions {
            show_passwords: self.show_passwords,
            payload: self.payload,
            in_fields: inspection.reglogin_in_fields,
        };
        match self.format {
            Format::Table | Format::Text if self.details || self.hex => {
                let options = DetailsOptions {
                    tree: self.details,
                    octets: self.hex,
                    time: self.time,
                    color: self.color.applies(),
                    show_passwords: self.show_passwords,
                };
                tee.add_printer(Details::new(out, select, options));
            }
            Format::Table => {
                let options = TableOptions {
                    time: self.time,
                    color: self.color.applies(),
                    width: io::stdout().is_terminal().then_some(terminal_width as _),
                };
                tee.add_printer(Table::new(out, select, options));
            }
            Format::Json => tee.add_printer(JsonSink::new(out, Layout::Array, select, json)),
            Format::Jsonl => tee.add_printer(JsonSink::new(out, Layout::Lines, select, json)),
            // Fields have their own way.
            Format::Text | Format::Fields | Format::Csv | Format::Ek => {
                tee.add_printer(Lines::new(out, select, self.time));
            }
        }
    }
}

/// 1 where a filter was given and nothing matched it.
pub(super) fn exit_code(watches: [&Option<Watch>; 2]) -> ExitCode {
    let missed = watches.into_iter().flatten().any(Watch::has_missed);
    ExitCode::from(u8::from(missed))
}

/// How text on standard output looks.
pub(super) fn text_style(color: When) -> TextStyle {
    TextStyle {
        color: color.applies(),
        charset: Charset::of_locale(),
    }
}

/// Standard output, buffered in blocks: outputs say themselves when a reader is to see all.
pub(super) fn standard_output() -> Result<BufWriter<File>, Failure> {
    let descriptor = io::stdout()
        .as_fd()
        .try_clone_to_owned()
        .map_err(|error| Failure::Text(format!("cannot write standard output: {error}")))?;
    Ok(BufWriter::with_capacity(BUFFER, File::from(descriptor)))
}

/// Columns of the terminal that standard output is.
pub(super) fn terminal_width() -> Option<u16> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0).then_some(size.ws_col)
}
