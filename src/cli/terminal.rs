//! Standard output and the terminal that it may be shown on: buffering, width, colours.

use std::io::{self, BufWriter, IsTerminal, Write};

use clap::ValueEnum;
use terminal_size::{Height, Width, terminal_size_of};

use super::pager;
use crate::output::{Charset, Folding, OutputError, TextStyle};

/// Size of the buffer for standard output, in bytes.
const BUFFER: usize = 1 << 16;

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

    /// The same for standard error.
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

/// The style of text on standard output.
pub(super) fn text_style(color: When) -> TextStyle {
    TextStyle {
        color: color.applies(),
        charset: Charset::of_locale(),
        width: terminal_width(),
    }
}

/// Standard output, with lines folded to the terminal's width if it is one.
pub(super) fn folded() -> Folding<BufWriter<pager::Output>> {
    Folding::new(standard_output(), terminal_width())
}

/// Standard output, buffered in blocks. Outputs flush it when a reader is to see everything.
pub(super) fn standard_output() -> BufWriter<pager::Output> {
    BufWriter::with_capacity(BUFFER, pager::Output::default())
}

/// Writes text to standard output.
pub(super) fn print(text: &str) -> Result<(), OutputError> {
    let mut out = standard_output();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Whether output is shown on a terminal, directly or through a pager.
pub(super) fn is_terminal() -> bool {
    pager::terminal().is_some() || io::stdout().is_terminal()
}

/// Width of the terminal of standard error, in columns.
pub(super) fn errors_width() -> Option<u16> {
    if pager::terminal().is_some() {
        return terminal_width();
    }
    columns(terminal_size_of(io::stderr()))
}

/// Width of the terminal of standard output, in columns.
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
