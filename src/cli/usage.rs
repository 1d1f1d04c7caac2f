//! Messages about wrong command lines, which say what would be right, wrapped to the terminal's width.

use std::error::Error as _;
use std::num::{ParseFloatError, ParseIntError};
use std::sync::LazyLock;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use regex::Regex;

use super::terminal::{When, errors_width};

/// Ranges in Rust's notation.
static RANGE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\S+ is not in (\d+)\.\.=(\d+)").ok());

/// A text for standard error, wrapped to the width of the terminal there.
#[must_use]
pub fn folded(text: &str) -> String {
    let width = errors_width().map_or(usize::MAX, usize::from);
    let fold = |line: &str| {
        // A filter and the mark under its error stay aligned.
        if line.starts_with("    ") {
            return line.to_owned();
        }
        let blanks = line.len() - line.trim_start().len();
        let (start, rest) = line.split_at(blanks);
        let further = format!("{start}  ");
        let options = textwrap::Options::new(width)
            .initial_indent(start)
            .subsequent_indent(&further)
            .break_words(false);
        textwrap::fill(rest, options)
    };
    let lines: Vec<String> = text.lines().map(fold).collect();
    lines.join("\n")
}

/// Prints the error on standard error, or help on standard output, and ends the process as clap does.
pub fn exit(mut error: clap::Error) -> ! {
    if !error.use_stderr() {
        error.exit();
    }
    if error.kind() == ErrorKind::UnknownArgument {
        without_dashes(&mut error);
    }
    let text = error.render();
    let text = if When::Auto.applies_to_errors() {
        text.ansi().to_string()
    } else {
        text.to_string()
    };
    super::say_as_is(in_words(&error, &text).trim_end());
    std::process::exit(error.exit_code())
}

/// Removes clap's hint that a misspelt option could be a value, which is misleading.
fn without_dashes(error: &mut clap::Error) {
    if let Some(ContextValue::StyledStrs(tips)) = error.remove(ContextKind::Suggested) {
        let tips: Vec<_> = tips
            .into_iter()
            .filter(|tip| !tip.to_string().contains("as a value"))
            .collect();
        if !tips.is_empty() {
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
        }
    }
}

/// The text with ranges of numbers in words.
fn in_words(error: &clap::Error, text: &str) -> String {
    let is_number = error
        .source()
        .is_some_and(|source| source.is::<ParseIntError>() || source.is::<ParseFloatError>());
    match error.source() {
        Some(source) if is_number => text.replace(&source.to_string(), "it takes a number"),
        _ => {
            let range = RANGE.as_ref();
            range.map_or_else(
                || text.to_owned(),
                |range| range.replace(text, "it takes $1 to $2").into_owned(),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Command, value_parser};

    use super::*;

    fn said(arguments: &[&str]) -> String {
        let command = Command::new("x")
            .arg(
                Arg::new("n")
                    .long("number")
                    .value_parser(value_parser!(u64)),
            )
            .arg(
                Arg::new("b")
                    .long("between")
                    .value_parser(value_parser!(u16).range(1..=9)),
            )
            .arg(Arg::new("file"));
        let line = std::iter::once("x").chain(arguments.iter().copied());
        let mut error = command.try_get_matches_from(line).expect_err("it is wrong");
        without_dashes(&mut error);
        let text = error.render().to_string();
        in_words(&error, &text)
    }

    #[test]
    fn says_what_would_be_right() {
        assert!(said(&["--number", "x"]).contains(": it takes a number\n"));
        assert!(said(&["--between", "10"]).contains(": it takes 1 to 9\n"));
        assert!(!said(&["--nosuch"]).contains("as a value"));
        assert!(said(&["--numbers"]).contains("'--number'"));
    }
}
