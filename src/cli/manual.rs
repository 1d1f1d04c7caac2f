//! Man pages, one for a program and one for each of its commands, with their examples under EXAMPLES.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::output::OutputError;

/// Write the man pages into a folder.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The folder; it is made where there is none.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

impl Arguments {
    /// Writes the pages of a program.
    pub fn run(&self, command: Command) -> Result<ExitCode, OutputError> {
        fs::create_dir_all(&self.folder)?;
        let mut command = command.disable_help_subcommand(true);
        command.build();
        pages(&command, &self.folder)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn pages(command: &Command, folder: &Path) -> io::Result<()> {
    for one in command.get_subcommands().filter(|one| !one.is_hide_set()) {
        pages(one, folder)?;
    }
    let name = command.get_display_name().unwrap_or(command.get_name());
    let mut out = Vec::new();
    write(command, &mut out)?;
    fs::write(folder.join(format!("{name}.1")), out)
}

fn write(command: &Command, out: &mut Vec<u8>) -> io::Result<()> {
    let page = Man::new(command.clone());
    page.render_title(out)?;
    page.render_name_section(out)?;
    page.render_synopsis_section(out)?;
    page.render_description_section(out)?;
    page.render_options_section(out)?;
    if command.get_subcommands().any(|one| !one.is_hide_set()) {
        page.render_subcommands_section(out)?;
    }
    let after = command.get_after_help().map(ToString::to_string);
    behind(&after.unwrap_or_default(), out)?;
    if command.get_version().is_some() {
        page.render_version_section(out)?;
    }
    Ok(())
}

/// The text after the options in --help: examples, and other parts with their own titles.
fn behind(text: &str, out: &mut impl Write) -> io::Result<()> {
    for part in text.split("\n\n") {
        let (first, rest) = part.split_once('\n').unwrap_or((part, ""));
        let mut roff = Roff::new();
        if let Some(title) = first.strip_suffix(':').filter(|_| rest.starts_with(' ')) {
            let title = match title {
                "Example" => "EXAMPLES".to_owned(),
                _ if title.starts_with("Examples") => "EXAMPLES".to_owned(),
                other => other.to_uppercase(),
            };
            roff.control("SH", [title.as_str()]);
            verbatim(&mut roff, rest);
        } else {
            roff.control("PP", []);
            roff.text([roman(part)]);
        }
        roff.to_writer(out)?;
    }
    Ok(())
}

/// Writes lines unchanged; less indented lines are bold.
fn verbatim(roff: &mut Roff, text: &str) {
    roff.control("nf", []);
    for line in text.lines() {
        let line = line.strip_prefix("  ").unwrap_or(line);
        if line.starts_with("authscope") || line.starts_with("tcpdump") {
            roff.text([bold(line)]);
        } else {
            roff.text([roman(line)]);
        }
    }
    roff.control("fi", []);
}
