//! What is shown and how: the arguments that every command with rows has, and their outputs.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::error::Failure;
use crate::capture::{CaptureWriter, WriteOptions};
use crate::output::{
    Charset, Details, DetailsOptions, JsonOptions, JsonSink, Layout, Lines, OutputError, Rows,
    Save, Select, Table, TableOptions, Tee, TextStyle, TimeFormat,
};

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

    /// Passwords in clear instead of ********.
    #[arg(long)]
    show_passwords: bool,

    /// What the Time column shows.
    #[arg(short = 't', long, value_enum, value_name = "FORMAT", default_value_t)]
    time: TimeFormat,

    /// Colours by outcome; auto is on a terminal where NO_COLOR is not set.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    color: When,
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
}

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

impl OutputArguments {
    /// Which rows are shown.
    fn select(&self) -> Select {
        let a_message_each =
            self.details || self.hex || matches!(self.format, Format::Json | Format::Jsonl);
        Select::all(if self.frames {
            Rows::All
        } else if self.messages || a_message_each {
            Rows::Messages
        } else {
            Rows::Watched
        })
    }

    /// Whether no rows are written.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Adds the rows that were asked for, on standard output unless a capture is saved there.
    pub fn add_to(&self, tee: &mut Tee<'_>, save: Option<&Path>) -> Result<(), Failure> {
        if self.quiet || save.is_some_and(|path| path.as_os_str() == "-") {
            return Ok(());
        }
        let select = self.select();
        let out = standard_output()?;
        let json = JsonOptions {
            show_passwords: self.show_passwords,
            payload: self.payload,
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
            Format::Text => tee.add_printer(Lines::new(out, select, self.time)),
            Format::Json => tee.add_printer(JsonSink::new(out, Layout::Array, select, json)),
            Format::Jsonl => tee.add_printer(JsonSink::new(out, Layout::Lines, select, json)),
        }
        Ok(())
    }
}

/// Adds the file that all frames are saved to, where there is one.
pub(super) fn add_save(
    tee: &mut Tee<'_>,
    save: Option<&Path>,
    inputs: &[PathBuf],
    options: &WriteOptions,
) -> Result<(), Failure> {
    if let Some(path) = save {
        let writer = CaptureWriter::create(path, inputs, options).map_err(OutputError::Capture)?;
        tee.add(Save::new(writer, Select::all(Rows::All)));
    }
    Ok(())
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
