//! `authscope interfaces`: where `authscope live` can capture.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use clap_complete::engine::CompletionCandidate;
use comfy_table::{Table, TableStyle};

use super::error::Failure;
use super::hand_over::command;
use super::terminal::{folded, print};
use crate::capture::live::{InterfaceInfo, interfaces, is_here};
use crate::output::OutputError;
use crate::text::escape::Local;

/// List the network interfaces that can be captured on.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  authscope interfaces
  authscope live -i NAME                      or its number or its description, as tshark -D has them")]
pub(super) struct Arguments {
    /// For shells: a line for each, its name and behind a tab what it is.
    #[arg(long, hide = true)]
    names: bool,
}

/// Resolves an interface, given by name, by description, or by its number in the list, as in tshark.
pub(super) fn named(given: &str) -> String {
    among(&interfaces().unwrap_or_default(), given)
}

fn among(all: &[InterfaceInfo], given: &str) -> String {
    let numbered = || {
        let number: usize = given.parse().ok()?;
        all.get(number.checked_sub(1)?)
    };
    let found = called(all, given).or_else(numbered);
    found.map_or_else(|| given.to_owned(), |one| one.name.clone())
}

/// The interface with this name or this description, ignoring case.
pub(super) fn called<'a>(all: &'a [InterfaceInfo], given: &str) -> Option<&'a InterfaceInfo> {
    let lower = given.to_lowercase();
    let described = |one: &&InterfaceInfo| {
        let description = one.description.as_deref();
        description.is_some_and(|text| text.to_lowercase() == lower)
    };
    all.iter()
        .find(|one| one.name == given)
        .or_else(|| all.iter().find(described))
}

/// The interfaces for `-i`, for a shell's completion. Only the program that captures knows them.
pub(super) fn candidates() -> Vec<CompletionCandidate> {
    let asked = || {
        let output = command()?.args(["interfaces", "--names"]).output().ok()?;
        String::from_utf8(output.stdout).ok()
    };
    let text = if is_here() {
        interfaces().map(|all| names(&all)).ok()
    } else {
        asked()
    };
    let text = text.unwrap_or_default();
    text.lines()
        .map(|line| match line.split_once('\t') {
            Some((name, what)) => CompletionCandidate::new(name).help(Some(what.to_owned().into())),
            None => CompletionCandidate::new(line),
        })
        .collect()
}

/// What `--names` prints.
fn names(all: &[InterfaceInfo]) -> String {
    let line = |one: &InterfaceInfo| {
        let what = one
            .description
            .as_deref()
            .map(|what| format!("\t{}", Local(what)));
        format!("{}{}\n", Local(&one.name), what.unwrap_or_default())
    };
    all.iter().map(line).collect()
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let found = interfaces().map_err(|error| Failure::Sources(vec![error]))?;
    if arguments.names {
        print(&names(&found))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new();
    table.load_style(TableStyle::new()).force_no_tty();
    table.set_header(["No.", "Name", "State", "Addresses", "Description"]);
    for (number, interface) in (1..).zip(&found) {
        table.add_row(row(number, interface));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let mut out = folded();
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end()).map_err(OutputError::Standard)?;
    }
    out.flush().map_err(OutputError::Standard)?;
    Ok(ExitCode::SUCCESS)
}

fn row(number: usize, interface: &InterfaceInfo) -> [String; 5] {
    let state = if !interface.up {
        "down"
    } else if interface.running {
        "up"
    } else {
        "up, not running"
    };
    let kind = match (interface.loopback, interface.wireless) {
        (true, _) => ", loopback",
        (_, true) => ", wireless",
        _ => "",
    };
    let addresses: Vec<String> = interface
        .addresses
        .iter()
        .map(ToString::to_string)
        .collect();
    let description = interface.description.as_deref().unwrap_or_default();
    [
        number.to_string(),
        Local(&interface.name).to_string(),
        format!("{state}{kind}"),
        addresses.join(" "),
        Local(description).to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_named_by_its_name_its_number_or_its_description() {
        let one = |name: &str| InterfaceInfo {
            name: name.to_owned(),
            description: Some(format!("The {name} adapter")),
            addresses: Vec::new(),
            loopback: false,
            up: true,
            running: true,
            wireless: false,
        };
        let all = [one("eth0"), one("lo"), one("2")];
        for (given, is) in [
            ("eth0", "eth0"),
            ("1", "eth0"),
            ("2", "2"),
            ("3", "2"),
            ("0", "0"),
            ("4", "4"),
            ("nosuch", "nosuch"),
            ("the LO adapter", "lo"),
        ] {
            assert_eq!(among(&all, given), is, "{given}");
        }
    }
}
