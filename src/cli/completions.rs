//! What shells need to complete commands, for each of the programs.
//!
//! The script makes the shell ask the program itself, which knows interfaces, fields and files.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::env::Shells;
use clap_complete::{CompleteEnv, Shell};

use crate::output::OutputError;

/// The environment variable that tells a program that a shell asks for completions.
pub(super) const ASKED: &str = "COMPLETE";

/// Write the completions for a shell: put them where it looks for them. They ask the program, and so stay right when it
/// is replaced by a later one.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples, for authscope; authscope-server and authscope-client have theirs:
  authscope completions bash > ~/.local/share/bash-completion/completions/authscope
  authscope completions zsh > ~/.zfunc/_authscope
  authscope completions fish > ~/.config/fish/completions/authscope.fish")]
pub struct Arguments {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

impl Arguments {
    /// Writes the completions of the program of this name to standard output.
    pub fn run(&self, program: &str) -> Result<ExitCode, OutputError> {
        let name = self.shell.to_string();
        let shells = Shells::builtins();
        let Some(shell) = shells.completer(&name) else {
            return Err(io::Error::other(format!("no completions are known for {name}")).into());
        };
        // Written to memory first, because the shells' own writers stop at the first failure.
        let mut text = Vec::new();
        shell.write_registration(ASKED, program, program, program, &mut text)?;
        let mut out = io::stdout().lock();
        out.write_all(&text).and_then(|()| out.flush())?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Answers a shell that asks for completions, and ends; returns where none asks.
pub fn answer_shell(command: fn() -> Command) {
    CompleteEnv::with_factory(command).var(ASKED).complete();
}
