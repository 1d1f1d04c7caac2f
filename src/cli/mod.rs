//! The inspector's command line: arguments in, outputs fed, exit code out.

mod check;
mod completions;
mod drops;
mod each;
mod error;
mod extcap;
mod fail_on;
mod fields;
mod follow;
mod guess;
mod inspect;
mod interfaces;
mod layout;
mod layouts;
mod live;
mod output;
mod progress;
mod query;
mod read;
mod report;
mod run;
mod save;
mod side_by_side;
mod signal;
mod stats;
mod thresholds;
mod tui;
mod wireshark;

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Shows the RegLogin messages in captures and on the network for what they are.
#[derive(Debug, Parser)]
#[command(
    name = "authscope",
    version = crate::VERSION,
    after_help = "\
Examples:
  authscope capture.pcapng                 who asked for what, and how it came out
  authscope live                           what happens on port 8888 now
  authscope tui capture.pcapng             browse it in the terminal
  authscope read capture.pcapng            what happened
  authscope read capture.pcapng --messages
  authscope stats capture.pcapng           what it amounts to
  authscope report capture.pcapng -o report.html
  authscope follow capture.pcapng --ladder a connection as a diagram
  authscope check captures/                whether all is right in them
  tcpdump -U -w - tcp port 8888 | authscope read -

Exit codes:
  0    done
  1    a match was asked for and nothing matched, or a check found what is not right
  2    wrong usage, or bad input: what came before the damage was shown
  129, 130, 143  ended by SIGHUP, Ctrl-C or SIGTERM before the answer was whole;
       live ends with 0, as that is how it ends"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Read(read::Arguments),
    Live(live::Arguments),
    Tui(tui::Arguments),
    Stats(stats::Arguments),
    Report(report::Arguments),
    Follow(follow::Arguments),
    Check(check::Arguments),
    Interfaces(interfaces::Arguments),
    Wireshark(wireshark::Arguments),
    Completions(completions::Arguments),
    Fields(fields::Arguments),
    Layout(layout::Arguments),
    Extcap(extcap::Arguments),
}

/// The arguments of this process. Without a subcommand they are those of `read`: files alone, whose exchanges are
/// shown, or with the options that tshark has too, `-r` among them.
fn arguments(given: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let given: Vec<OsString> = given.collect();
    let is_own = |first: &OsString| {
        let first = first.to_string_lossy();
        let commands = Cli::command();
        let alone = given.len() == 2 && matches!(&*first, "-V" | "--version" | "-h" | "--help");
        // What is neither a file nor looks like one is a subcommand that was misspelt.
        let is_word = !first.starts_with('-') && !first.contains(['.', '/']);
        let is_command = first == "help" || commands.find_subcommand(&*first).is_some();
        is_command || alone || is_word && !Path::new(&*first).exists()
    };
    let Some(rest) = given
        .get(1..)
        .filter(|rest| rest.first().is_some_and(|one| !is_own(one)))
    else {
        return given;
    };
    let mut all = vec![given[0].clone(), "read".into()];
    let is_option = |one: &OsString| one.len() > 1 && one.to_string_lossy().starts_with('-');
    if !rest.iter().any(is_option) {
        all.push(FRAMES_TOLD.into());
    }
    // tshark names the file with -r.
    all.extend(rest.iter().filter(|one| *one != "-r").cloned());
    all
}

/// What shows exchanges and says how to see frames.
const FRAMES_TOLD: &str = "--exchanges-of-files";

/// Runs the inspector with the arguments of this process.
#[must_use]
pub fn main() -> ExitCode {
    let done = match Cli::parse_from(arguments(std::env::args_os())).command {
        Command::Read(arguments) => read::run(&arguments),
        Command::Live(arguments) => live::run(&arguments),
        Command::Tui(arguments) => tui::run(&arguments),
        Command::Stats(arguments) => stats::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Follow(arguments) => follow::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Interfaces(arguments) => interfaces::run(&arguments),
        Command::Wireshark(arguments) => wireshark::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Fields(arguments) => fields::run(&arguments),
        Command::Layout(arguments) => layout::run(&arguments),
        Command::Extcap(arguments) => extcap::run(&arguments),
    };
    match done {
        Ok(code) => code,
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            failure.lines().iter().for_each(|line| say(line));
            failure.code()
        }
    }
}

/// Says something on standard error, with the program's name before it; that nobody reads it is no failure.
fn say(text: &str) {
    say_as_is(&format!("authscope: {text}"));
}

/// The same without the name.
fn say_as_is(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
