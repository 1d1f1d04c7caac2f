//! `authscope follow`: one connection as a conversation.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::error::Failure;
use super::inspect::InspectArguments;
use super::output::{When, standard_output, terminal_width};
use super::run::{Plan, is_pipe};
use super::say;
use crate::output::{
    Charset, Finder, Follow, FollowFormat, FollowOptions, Followed, Ladder, LadderOptions, Losses,
    Tee, TimeFormat,
};
use crate::session;
use crate::stream::Role;

/// Columns of a ladder where there is no terminal.
const USUAL_WIDTH: u16 = 80;

/// Exit code where there is no such stream.
const NOT_FOUND: u8 = 1;

/// Show one connection as a conversation.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  authscope follow capture.pcapng                     the first RegLogin connection
  authscope follow capture.pcapng --user alice        the first with a request of alice's
  authscope follow capture.pcapng --stream 7 --ladder as a sequence diagram
  authscope follow capture.pcapng -T hex              every octet, as tshark -z follow,tcp,hex,N
  authscope follow capture.pcapng -T raw --from client > octets

In every form octets that may be part of a password are masked, unless --show-passwords is given: on a
RegLogin stream also those that are part of no message, and on a watched port all of a stream of which
nobody knows what it speaks.")]
pub(super) struct Arguments {
    /// Capture files, pcap or pcapng, plain or compressed with gzip or zstd; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The stream's number, as `tcp.stream` in Wireshark. [default: the first that is RegLogin]
    #[arg(short, long, value_name = "N", conflicts_with = "user")]
    stream: Option<u32>,

    /// The first stream with a request of this user.
    #[arg(short, long, value_name = "NAME")]
    user: Option<String>,

    /// What is written.
    #[arg(
        short = 'T',
        long = "type",
        value_enum,
        value_name = "TYPE",
        default_value_t
    )]
    format: FollowFormat,

    /// A sequence diagram instead: two lifelines, an arrow for each message.
    #[arg(long, conflicts_with_all = ["format", "from", "show_passwords"])]
    ladder: bool,

    /// Draw the diagram with ASCII characters only. [default: where the locale is not UTF-8]
    #[arg(long, requires = "ladder")]
    ascii: bool,

    /// Only what this side sent.
    #[arg(long, value_enum, value_name = "SIDE")]
    from: Option<From>,

    /// Passwords in clear instead of masked.
    #[arg(long)]
    show_passwords: bool,

    /// What times are shown as.
    #[arg(short = 't', long, value_enum, value_name = "FORMAT", default_value_t)]
    time: TimeFormat,

    /// Colours of the diagram by outcome; auto is on a terminal where NO_COLOR is not set.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    color: When,

    #[command(flatten)]
    inspect: InspectArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum From {
    /// The side that asks.
    Client,
    /// The side that answers.
    Server,
}

impl Arguments {
    /// The stream that is meant; `None` where the capture has none.
    fn find(&self, plan: &Plan<'_>) -> Result<Option<u32>, Failure> {
        if let Some(stream) = self.stream {
            return Ok(Some(stream));
        }
        if self.files.iter().any(|file| file.as_os_str() == "-") {
            return Err(Failure::Text(
                "cannot look for the stream in standard input, which can be read only once: give \
                 its number with --stream"
                    .to_owned(),
            ));
        }
        let mut finder = Finder::new(self.user.clone());
        plan.learn(&mut finder)?;
        Ok(finder.found())
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let options = arguments.inspect.options(false)?;
    let mut plan = Plan::files(&arguments.files, options)?;
    let Some(stream) = arguments.find(&plan)? else {
        let what = match &arguments.user {
            Some(user) => format!("no request of user {user:?}"),
            None => "no RegLogin stream; --stream N shows any other".to_owned(),
        };
        say(&format!("the capture has {what}"));
        return Ok(ExitCode::from(NOT_FOUND));
    };
    plan.inspection.follow = session::Followed::Stream(stream);
    let out = standard_output()?;
    let mut losses = Losses::default();
    let (ended, followed) = if arguments.ladder {
        let is_terminal = std::io::stdout().is_terminal();
        let width = terminal_width().filter(|_| is_terminal);
        let options = LadderOptions {
            stream,
            width: width.unwrap_or(USUAL_WIDTH),
            charset: if arguments.ascii {
                Charset::Ascii
            } else {
                Charset::of_locale()
            },
            time: arguments.time,
            color: arguments.color.applies(),
            at_once: arguments.files.iter().any(|file| is_pipe(file)),
        };
        let mut ladder = Ladder::new(out, options);
        let mut tee = Tee::default();
        tee.add_printer(&mut ladder);
        tee.add(&mut losses);
        (plan.run(tee)?, ladder.followed())
    } else {
        let options = FollowOptions {
            stream,
            format: arguments.format,
            sender: arguments.from.map(|side| match side {
                From::Client => Role::Client,
                From::Server => Role::Server,
            }),
            time: arguments.time,
            show_passwords: arguments.show_passwords,
            in_fields: plan.inspection.reglogin_in_fields,
        };
        let mut follow = Follow::new(out, options);
        let mut tee = Tee::default();
        tee.add_printer(&mut follow);
        tee.add(&mut losses);
        (plan.run(tee)?, follow.followed())
    };
    if followed.found && arguments.format == FollowFormat::Raw && !arguments.ladder {
        say_of_octets(followed);
    }
    let code = ended.conclude(|| {
        for sentence in losses.given_up().sentences() {
            say(&sentence);
        }
        ExitCode::SUCCESS
    })?;
    if followed.found {
        return Ok(code);
    }
    let numbers = match followed.streams {
        0 => "it has no TCP streams".to_owned(),
        1 => "its only stream is 0".to_owned(),
        more => format!("its streams are 0 to {}", more - 1),
    };
    say(&format!("the capture has no stream {stream}: {numbers}"));
    Ok(ExitCode::from(NOT_FOUND))
}

/// Says what is not in the octets that were written.
fn say_of_octets(followed: Followed) {
    let (masked, missing) = (followed.masked, followed.missing);
    if masked > 0 {
        say(&format!(
            "{masked} octets that are, or may be, part of a password are written as *; \
             --show-passwords writes them"
        ));
    }
    if missing > 0 {
        say(&format!(
            "{missing} octets were never captured and are left out"
        ));
    }
}
