//! `authscope interfaces`: where `authscope live` can capture.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
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
  authscope live -i NAME")]
pub(super) struct Arguments {}

pub(super) fn run(_: &Arguments) -> Result<ExitCode, Failure> {
    let found = interfaces().map_err(|error| Failure::Sources(vec![error]))?;
    let mut table = Table::new();
    table.load_style(TableStyle::new()).force_no_tty();
    table.set_header(["Name", "State", "Addresses", "Description"]);
    for interface in &found {
        table.add_row(row(interface));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let mut out = folded()?;
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end()).map_err(OutputError::Standard)?;
    }
    out.flush().map_err(OutputError::Standard)?;
    Ok(ExitCode::SUCCESS)
}

fn row(interface: &InterfaceInfo) -> [String; 4] {
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
        Escaped(&interface.name).to_string(),
        format!("{state}{kind}"),
        addresses.join(" "),
        Escaped(description).to_string(),
    ]
}
