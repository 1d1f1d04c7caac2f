//! What is shown and how: the arguments that every command with rows has, and their outputs.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use terminal_size::{Height, Width, terminal_size_of};
use zeroize::Zeroize;

use super::error::Failure;
use super::pager;
use super::query::{Query, QueryArguments};
use super::run::Plan;
use super::say;
use crate::filter::field;
use crate::output::forms::{Chosen, FORMS, FormEntry, FormOptions, Part, Waits, form};
use crate::output::{
    Answers, Charset, Context, Findings, Folding, Group, OCTETS, Overview, Rows, Stats,
    StatsFormat, TEXT, TREE, Tee, TextStyle, TimeFormat,
};
use crate::session::Holding;
use crate::session::summary::Summary;
use crate::text::escape::Local;
use crate::text::secret::{KEY_OCTETS, TagKey};
use crate::text::trouble::Trouble;
use crate::wireshark::explain;

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
        self.applies_to(is_terminal())
    }

    /// The same of what is said on standard error.
    pub fn applies_to_errors(self) -> bool {
        self.applies_to(io::stderr().is_terminal())
    }

    fn applies_to(self, is_terminal: bool) -> bool {
        match self {
            Self::Auto => {
                is_terminal
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                    && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// The rows that are shown, and what there is to be said of them.
pub(super) struct Shown {
    group: Group<'static>,
    /// Whether standard output is written to.
    prints: bool,
    held: Held,
    overview: Overview,
    /// The rows that were asked for.
    rows: Rows,
    /// Whether the summary says what was given up.
    is_summed_up: bool,
    /// Whether it is said how to see frames.
    tells_of_frames: bool,
}

/// Which records are held until more is known of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    None,
    /// Those that begin a message, until it is whole.
    Beginnings,
    /// All, until requests know their responses.
    All,
    /// The same, and those without messages are not wanted.
    OfMessages,
}

impl Shown {
    /// Adds what shows the rows.
    pub fn add_to<'a>(&'a mut self, tee: &mut Tee<'a>) {
        tee.add(&mut self.overview);
        let rows = &mut self.group;
        match self.held {
            Held::None if self.prints => tee.add_printer(rows),
            Held::None => tee.add(rows),
            Held::Beginnings => tee.add_printer(Holding::of_beginnings(rows)),
            Held::All => tee.add_printer(Holding::all(rows)),
            Held::OfMessages => tee.add_printer(Holding::of_messages(rows)),
        }
    }

    /// Whether there was a filter and nothing matched it.
    pub fn has_missed(&self) -> bool {
        self.group.has_missed()
    }

    /// What there is to say of what there was where little or nothing of it was shown, and of what was given up.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = self.overview.lines(self.rows, self.has_missed());
        if !self.is_summed_up {
            lines.extend(self.group.given_up().sentences());
        }
        if self.tells_of_frames && lines.is_empty() {
            let hint = "these are exchanges; `authscope read FILE` shows the frames, with -V their details";
            lines.push(hint.to_owned());
        }
        lines
    }
}

/// Where the rows of one of several captures go.
pub(super) struct Lot {
    pub out: Box<dyn Write>,
    pub part: Part,
}

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

    /// What is asked of the capture.
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
                Chosen::NamedOrUsual if self.has_exchanges() && self.format.name == "csv" => {}
                Chosen::NamedOrUsual => {
                    query.has_usual_fields = true;
                    query.fields = USUAL_FIELDS.into_iter().filter_map(field).collect();
                }
            }
        }
        Ok(query)
    }

    /// Whether the form has such rows, and can be written there.
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

    /// Which rows are shown. A filter and fields choose among all frames, as in tshark.
    fn rows(&self, has_filter: bool) -> Rows {
        match self.form().rows {
            _ if self.has_exchanges() => Rows::Exchanges,
            _ if self.frames => Rows::All,
            _ if self.messages || self.details || self.hex => Rows::Messages,
            Rows::Watched if has_filter => Rows::All,
            rows => rows,
        }
    }

    const fn has_exchanges(&self) -> bool {
        self.exchanges || self.exchanges_of_files
    }

    /// Whether it is a form to be read on a terminal.
    pub fn is_text(&self) -> bool {
        !self.form().is_binary
    }

    /// Whether no rows are written.
    pub const fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Why what comes of several captures cannot be shown one by one, where it cannot.
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

    /// What shows the rows that were asked for, on standard output unless a capture is saved there or they go with those of
    /// other captures.
    /// `answers` are the responses that come later than their requests, where the query needs
    /// them.
    pub fn open(
        &self,
        save: Option<&Path>,
        mut query: Query,
        answers: Option<Answers>,
        plan: &Plan,
        lot: Option<Lot>,
    ) -> Result<Shown, Failure> {
        let is_first = lot.as_ref().is_none_or(|lot| lot.part.is_first);
        if let Some(warning) = query.warning(self.show_passwords).filter(|_| is_first) {
            say(warning);
        }
        let origin = plan.origin();
        if query.has_usual_fields && origin.is_told() {
            query.fields.splice(..0, field("frame.file"));
        }
        let form = self.form();
        let rows = self.rows(query.filter.is_some());
        let needs = query.needs().or(form.needs);
        let filter = query.filter.take();
        let is_selected = filter.is_some() || form.fields != Chosen::Nothing;
        let taken = save.is_some_and(|path| path.as_os_str() == "-");
        let prints = !self.quiet && !taken;
        let held = self.held(rows, is_selected, plan);
        let context = Context::new(filter, needs, answers.map(Rc::new), self.show_passwords)
            .reading(plan.origin())
            .timed(self.time)
            .tagging(self.tag_key()?)
            .telling(self.findings(form, rows, is_selected));
        let asks = context.has_filter();
        let mut group = Group::new(context);
        let options = FormOptions {
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
            part: lot.as_ref().map(|lot| lot.part),
            file_width: origin.width(),
        };
        if prints {
            let out: Box<dyn Write> = match lot {
                Some(lot) => lot.out,
                None if self.details || self.explain || self.hex => Box::new(folded()),
                None => Box::new(standard_output()),
            };
            group.add((form.make)(options, out));
        } else if asks {
            // It is asked all the same, for the exit code.
            group.add((TEXT.make)(options, Box::new(io::sink())));
        }
        if self.stats {
            // Behind the rows, which end first.
            let out: Box<dyn Write> = if (form.for_people || self.quiet) && !taken {
                Box::new(standard_output())
            } else {
                Box::new(io::stderr())
            };
            let format = StatsFormat::Text(text_style(self.color));
            group.add(Box::new(Stats::new(out, Summary::default(), format, None)));
        }
        Ok(Shown {
            group,
            prints: prints || self.stats,
            held,
            overview: Overview::default(),
            rows: match rows {
                _ if self.quiet => Rows::All,
                _ if self.explain => Rows::Messages,
                rows => rows,
            },
            is_summed_up: self.stats,
            tells_of_frames: self.exchanges_of_files,
        })
    }

    /// The key of passwords' tags, where they are wanted.
    fn tag_key(&self) -> Result<Option<TagKey>, Failure> {
        let Some(path) = &self.password_tags else {
            return Ok(None);
        };
        let shown = path.to_string_lossy();
        let failure = |why: &dyn std::fmt::Display| {
            Failure::Text(format!(
                "cannot use the key in \"{}\": {why}",
                Local(&shown)
            ))
        };
        let mut octets = std::fs::read(path).map_err(|error| failure(&Trouble(&error)))?;
        let key = TagKey::new(&octets);
        octets.zeroize();
        let length = format!("it takes at least {KEY_OCTETS} octets that nobody can guess");
        key.map(Some).ok_or_else(|| failure(&length))
    }

    /// Which records are held, where rows can wait.
    fn held(&self, rows: Rows, is_selected: bool, plan: &Plan) -> Held {
        let waits = match self.form().waits {
            // Exchanges wait for their responses themselves.
            _ if self.quiet || self.has_exchanges() || !plan.can_be_repeated() => Waits::No,
            _ if self.details => Waits::ForResponses,
            waits => waits,
        };
        match waits {
            Waits::No => Held::None,
            Waits::ForBeginnings => Held::Beginnings,
            Waits::ForResponses
                if is_selected || self.details || self.stats || rows != Rows::Messages =>
            {
                Held::All
            }
            Waits::ForResponses => Held::OfMessages,
        }
    }

    /// Whether rows tell what TCP's analysis finds.
    fn findings(&self, form: &FormEntry, rows: Rows, is_selected: bool) -> Findings {
        let has_frames = matches!(rows, Rows::Watched | Rows::All);
        if !has_frames || self.quiet || self.explain || !form.for_people {
            Findings::Untold
        } else if rows == Rows::Watched && !is_selected {
            Findings::ToldOfWatched
        } else {
            Findings::Told
        }
    }
}

/// The same as a number.
pub(super) fn exit_status(missed: [bool; 2]) -> u8 {
    u8::from(missed.contains(&true))
}

/// 1 where a filter was given and nothing matched it.
pub(super) fn exit_code(missed: [bool; 2]) -> ExitCode {
    ExitCode::from(exit_status(missed))
}

/// How text on standard output looks.
pub(super) fn text_style(color: When) -> TextStyle {
    TextStyle {
        color: color.applies(),
        charset: Charset::of_locale(),
        width: terminal_width(),
    }
}

/// Standard output with lines that fit a terminal, where it is one.
pub(super) fn folded() -> Folding<BufWriter<pager::Output>> {
    Folding::new(standard_output(), terminal_width())
}

/// Standard output, buffered in blocks: outputs say themselves when a reader is to see all.
pub(super) fn standard_output() -> BufWriter<pager::Output> {
    BufWriter::with_capacity(BUFFER, pager::Output::default())
}

/// Whether what is written is shown on a terminal, through a pager or not.
pub(super) fn is_terminal() -> bool {
    pager::terminal().is_some() || io::stdout().is_terminal()
}

/// Columns of the terminal that standard error is shown on.
pub(super) fn errors_width() -> Option<u16> {
    if pager::terminal().is_some() {
        return terminal_width();
    }
    columns(terminal_size_of(io::stderr()))
}

/// Columns of that terminal.
pub(super) fn terminal_width() -> Option<u16> {
    columns(match pager::terminal() {
        Some(terminal) => terminal_size_of(terminal),
        None => terminal_size_of(io::stdout()),
    })
}

fn columns(size: Option<(Width, Height)>) -> Option<u16> {
    size.map(|(Width(columns), _)| columns)
        .filter(|&columns| columns > 0)
}
