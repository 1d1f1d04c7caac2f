//! `authscope completions`: what shells need to complete commands.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;
use super::error::Failure;
use crate::output::OutputError;

/// Write the completions for a shell.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  authscope completions bash > ~/.local/share/bash-completion/completions/authscope
  authscope completions zsh > ~/.zfunc/_authscope
  authscope completions fish > ~/.config/fish/completions/authscope.fish")]
pub(super) struct Arguments {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    // The generator panics where it cannot write, so it writes to memory.
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "authscope", &mut text);
    let mut out = io::stdout().lock();
    out.write_all(&text)
        .and_then(|()| out.flush())
        .map_err(OutputError::Standard)?;
    Ok(ExitCode::SUCCESS)
}
