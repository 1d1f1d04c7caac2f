//! Accepts the command lines that users of tshark type, and translates them into ours with one table of tshark's options.
//!
//! Options that mean the same to tshark and to `read` or `live` are not in the table. Without a subcommand, a command line is
//! for `read` if it names a file, else for `live`.

mod compose;
mod line;
mod options;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::Path;

use clap::Command;

use line::Line;

/// The option of all commands, which may precede the subcommand.
const NO_PAGER: &str = "--no-pager";

/// A command line of Authscope.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Translated {
    /// The arguments, the program's name first.
    pub arguments: Vec<OsString>,
    /// Notes to print about options that were ignored or mean something else here.
    pub notes: Vec<String>,
}

/// Translates the arguments of a process; an error says in one line what to type instead.
pub(super) fn translate(given: Vec<OsString>, cli: &Command) -> Result<Translated, String> {
    let as_given = |given| {
        Ok(Translated {
            arguments: given,
            notes: Vec::new(),
        })
    };
    let [program, first, ..] = &given[..] else {
        return as_given(given);
    };
    if first == NO_PAGER {
        let mut rest = given.clone();
        rest.remove(1);
        let mut translated = translate(rest, cli)?;
        translated.arguments.insert(1, NO_PAGER.into());
        return Ok(translated);
    }
    let word = first.to_string_lossy();
    let rest = &given[2..];
    if rest.is_empty() {
        match &*word {
            "-V" | "--version" | "-h" | "--help" => return as_given(given),
            "-v" => return as_given(vec![program.clone(), "--version".into()]),
            "-D" | "--list-interfaces" => {
                return as_given(vec![program.clone(), "interfaces".into()]);
            }
            _ => {}
        }
    }
    let (kind, typed) = match &*word {
        "read" => (Subcommand::Read, rest),
        "live" => (Subcommand::Live, rest),
        "stats" | "follow" | "report" | "check" => (Subcommand::Other, rest),
        _ if is_own(&word, cli) => return as_given(given),
        _ => (Subcommand::Open, &given[1..]),
    };
    let mut line = Line::of(kind, &word, cli);
    line.read(typed)?;
    line.compose(program, &word, typed)
}

/// Whether the first word is a subcommand, or a misspelt one: it is neither a file nor looks like one.
fn is_own(word: &str, cli: &Command) -> bool {
    let is_word = !word.starts_with('-') && !word.contains(['.', '/']);
    word == "help" || cli.find_subcommand(word).is_some() || is_word && !Path::new(word).exists()
}

/// What is known about the subcommand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subcommand {
    /// None was typed: it depends on the rest of the line.
    Open,
    Read,
    Live,
    /// One with files and options of its own.
    Other,
}
