//! The inspector's command line: reads arguments, runs the outputs they ask for, returns the exit code.

mod check;
pub mod completions;
mod drops;
mod each;
mod error;
mod extcap;
mod fail_on;
mod fields;
mod follow;
mod guess;
mod hand_over;
mod inspect;
mod interfaces;
mod layout;
mod layouts;
mod live;
pub mod manual;
mod output;
mod pager;
mod progress;
mod query;
mod read;
mod report;
mod run;
mod save;
mod schema;
mod side_by_side;
mod signal;
mod stats;
mod terminal;
mod thresholds;
mod tshark;
mod tui;
pub mod usage;
mod wireshark;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use crate::capture::live::{self as capturing, Capturing};
use error::Failure;
use terminal::{When, print};

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
    /// Write to the terminal itself, not through a pager ($PAGER, else less -FRX).
    #[arg(long, global = true)]
    no_pager: bool,

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
    #[command(hide = true)]
    Man(manual::Arguments),
    Fields(fields::Arguments),
    Schema(schema::Arguments),
    Layout(layout::Arguments),
    Extcap(extcap::Arguments),
}

impl Command {
    /// Whether the command captures, or lists interfaces.
    const fn captures(&self) -> bool {
        match self {
            Self::Live(_) | Self::Interfaces(_) => true,
            Self::Tui(arguments) => arguments.captures(),
            Self::Extcap(arguments) => arguments.captures(),
            _ => false,
        }
    }

    /// Whether its output is text for people and ends, so that a pager is useful.
    fn is_paged(&self) -> bool {
        match self {
            Self::Read(arguments) => arguments.is_paged(),
            Self::Follow(arguments) => arguments.is_text(),
            Self::Stats(_)
            | Self::Check(_)
            | Self::Interfaces(_)
            | Self::Fields(_)
            | Self::Schema(_) => true,
            _ => false,
        }
    }
}

/// Runs the inspector with the arguments of this process, in a program that can capture.
#[must_use]
pub fn main_with(what: &'static dyn Capturing) -> ExitCode {
    capturing::provide(what);
    main()
}

/// Runs the inspector with the arguments of this process. If it is to capture, hands over to the program that can.
#[must_use]
pub fn main() -> ExitCode {
    crate::platform::console::prepare();
    completions::answer_shell(Cli::command);
    let meant = match tshark::translate(std::env::args_os().collect(), &Cli::command()) {
        Ok(meant) => meant,
        Err(told) => {
            say(&told);
            return Failure::Text(told).code();
        }
    };
    let parsed = Cli::try_parse_from(&meant.arguments);
    if let Ok(cli) = &parsed
        && let Err(failure) = prepare(&cli.command)
    {
        failure.lines().iter().for_each(|line| say(line));
        return failure.code();
    }
    for note in &meant.notes {
        say(note);
    }
    let code = match parsed {
        Ok(cli) => run(cli),
        Err(error) => tell(error, &meant.arguments),
    };
    pager::end();
    code
}

/// Hands a command that captures over to the program that can. Other commands give up the permission to capture.
fn prepare(command: &Command) -> Result<(), Failure> {
    if !command.captures() {
        return capturing::renounce().map_err(|error| Failure::Sources(vec![error]));
    }
    if !capturing::is_here() {
        // The command itself reports the reason, after its other checks.
        capturing::refuse(hand_over::hand_over());
    }
    Ok(())
}

/// Prints help, or the error in the arguments.
fn tell(error: clap::Error, arguments: &[OsString]) -> ExitCode {
    if error.kind() != ErrorKind::DisplayHelp {
        usage::exit(error);
    }
    if !arguments.iter().any(|one| one == "--no-pager") {
        pager::allow();
    }
    let text = error.render();
    let text = if When::Auto.applies() {
        text.ansi().to_string()
    } else {
        text.to_string()
    };
    // A closed pipe is not a failure, and nothing else can be done here.
    let _ = print(&text);
    ExitCode::SUCCESS
}

fn run(cli: Cli) -> ExitCode {
    if !cli.no_pager && cli.command.is_paged() {
        pager::allow();
    }
    let done = match cli.command {
        Command::Read(arguments) => read::run(&arguments),
        Command::Live(arguments) => live::run(&arguments),
        Command::Tui(arguments) => tui::run(&arguments),
        Command::Stats(arguments) => stats::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Follow(arguments) => follow::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Interfaces(arguments) => interfaces::run(&arguments),
        Command::Wireshark(arguments) => wireshark::run(&arguments),
        Command::Completions(arguments) => arguments.run("authscope").map_err(Failure::from),
        Command::Man(arguments) => arguments.run(Cli::command()).map_err(Failure::from),
        Command::Fields(arguments) => fields::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
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

/// Prints a line on standard error, after the program's name. A closed standard error is not a failure.
fn say(text: &str) {
    say_as_is(&format!("authscope: {text}"));
}

/// The same without the name.
fn say_as_is(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", usage::folded(text));
}
