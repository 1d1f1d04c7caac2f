//! `authscope interfaces`: where `authscope live` can capture.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use clap_complete::engine::CompletionCandidate;
use comfy_table::{Table, TableStyle};

use super::error::Failure;
use super::output::folded;
use crate::capture::live::{InterfaceInfo, interfaces};
use crate::output::OutputError;
use crate::text::escape::Escaped;

/// List the network interfaces that can be captured on.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  authscope interfaces
  authscope live -i NAME                      or its number in the list, as tshark -D has them")]
pub(super) struct Arguments {}

/// The interface that is meant: one of this name, or of this number in the list, as tshark's users name it.
pub(super) fn named(given: &str) -> String {
    let number: Option<usize> = given.parse().ok();
    let found = || {
        let all = interfaces().ok()?;
        let is_name = all.iter().any(|one| one.name == given);
        let one = all.into_iter().nth(number?.checked_sub(1)?)?;
        (!is_name).then_some(one.name)
    };
    found().unwrap_or_else(|| given.to_owned())
}

/// The interfaces that -i can name, for a shell.
pub(super) fn candidates() -> Vec<CompletionCandidate> {
    let found = interfaces().unwrap_or_default().into_iter();
    found
        .map(|one| CompletionCandidate::new(one.name).help(one.description.map(Into::into)))
        .collect()
}

pub(super) fn run(_: &Arguments) -> Result<ExitCode, Failure> {
    let found = interfaces().map_err(|error| Failure::Sources(vec![error]))?;
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
        Escaped(&interface.name).to_string(),
        format!("{state}{kind}"),
        addresses.join(" "),
        Escaped(description).to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_named_by_its_name_or_its_number() {
        assert_eq!(named("nosuch"), "nosuch");
        assert_eq!(named("0"), "0");
        assert_eq!(named("99999"), "99999");
        for (number, one) in (1..).zip(interfaces().unwrap_or_default()) {
            assert_eq!(named(&i32::to_string(&number)), one.name);
            assert_eq!(named(&one.name), one.name);
        }
    }
}
