//! `authscope follow`: one connection as a conversation.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::error::Failure;
use super::inspect::InspectArguments;
use super::run::{Ended, Plan};
use super::say;
use super::terminal::{When, standard_output, terminal_width};
use crate::capture::{FileName, is_pipe};
use crate::output::{
    Charset, Finder, Folding, Follow, FollowFormat, FollowOptions, FollowSink, Followed, Ladder,
    LadderOptions, Losses, Several, Tee, TimeFormat,
};
use crate::session;
use crate::stream::Role;

/// Columns of a ladder where there is no terminal.
const DEFAULT_WIDTH: u16 = 80;

/// Exit code where there is no such stream.
const NOT_FOUND: u8 = 1;

/// Show one connection as a conversation.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  authscope follow capture.pcapng                     the first RegLogin connection
  authscope follow capture.pcapng --user alice        all with a request of alice's, in order of time
  authscope follow capture.pcapng --stream 7 --ladder as a sequence diagram
  authscope follow capture.pcapng -T hex              every byte, as tshark -z follow,tcp,hex,N
  authscope follow capture.pcapng -T raw --from client > bytes

In every form bytes that may be part of a password are masked, unless --show-passwords is given: on a \
RegLogin stream also those that are part of no message, and on a watched port all of a stream of which \
nobody knows what it speaks.")]
pub(super) struct Arguments {
    /// Capture files, pcap or pcapng, plain or compressed with gzip or zstd; a folder means the captures in it, - is
    /// standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The stream's number, as `tcp.stream` in Wireshark. [default: the first that is RegLogin]
    #[arg(short, long, value_name = "N", conflicts_with = "user")]
    stream: Option<u32>,

    /// All streams with a request of this user, in order of their first frames.
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

    /// Colours by outcome and by side; auto is on a terminal where NO_COLOR is not set.
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
    fn ladder_options(&self, stream: u32) -> LadderOptions {
        LadderOptions {
            stream,
            width: terminal_width().unwrap_or(DEFAULT_WIDTH),
            charset: if self.ascii {
                Charset::Ascii
            } else {
                Charset::of_locale()
            },
            time: self.time,
            color: self.color.applies(),
            at_once: false,
        }
    }

    fn follow_options(&self, stream: u32, in_fields: bool) -> FollowOptions {
        FollowOptions {
            stream,
            format: self.format,
            sender: self.from.map(|side| match side {
                From::Client => Role::Client,
                From::Server => Role::Server,
            }),
            time: self.time,
            show_passwords: self.show_passwords,
            in_fields,
            color: self.color.applies(),
            line: FollowOptions::octets_a_line(terminal_width()),
        }
    }

    /// Whether the output is text for people.
    pub fn is_text(&self) -> bool {
        self.ladder || self.format != FollowFormat::Raw
    }

    /// The streams to show; empty if the capture has none of them.
    fn find(&self, plan: &Plan) -> Result<Vec<u32>, Failure> {
        if let Some(stream) = self.stream {
            return Ok(vec![stream]);
        }
        if let Some(pipe) = plan.paths().iter().find(|path| is_pipe(path)) {
            return Err(Failure::Text(format!(
                "cannot look for the stream in {}, which can be read only once: give its number with --stream",
                FileName(pipe.clone())
            )));
        }
        let mut finder = Finder::new(self.user.clone());
        plan.learn(&mut finder)?;
        Ok(finder.found())
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let options = arguments.inspect.options(false)?;
    let mut plan = Plan::files(&arguments.files, options)?;
    let streams = arguments.find(&plan)?;
    let [first, others @ ..] = &streams[..] else {
        let what = match &arguments.user {
            Some(user) => format!("no request of user {user:?}"),
            None => "no RegLogin stream; --stream N shows any other".to_owned(),
        };
        say(&format!("the capture has {what}"));
        return Ok(ExitCode::from(NOT_FOUND));
    };
    plan.inspection.follow = match others {
        [] => session::Followed::Stream(*first),
        _ => session::Followed::All,
    };
    let is_folded = !arguments.ladder && arguments.format == FollowFormat::Text;
    let width = terminal_width().filter(|_| is_folded);
    let out = Folding::new(standard_output(), width);
    let time = arguments.time;
    let ladder = |stream, at_once| LadderOptions {
        at_once,
        ..arguments.ladder_options(stream)
    };
    let follow = |stream| arguments.follow_options(stream, plan.inspection.reglogin_in_fields);
    let between: &[u8] = match arguments.format {
        FollowFormat::Raw | FollowFormat::Json if !arguments.ladder => b"",
        _ => b"\n",
    };
    let (ended, losses, followed) = match (others, arguments.ladder) {
        ([], true) => {
            let at_once = !plan.can_be_repeated();
            let shown = Ladder::new(out, ladder(*first, at_once));
            shown_by(&mut plan, shown)?
        }
        ([], false) => {
            let shown = Follow::new(out, follow(*first));
            shown_by(&mut plan, shown)?
        }
        (_, true) => {
            let each = |stream| Ladder::new(Vec::new(), ladder(stream, false));
            let all = streams.iter().map(|stream| (*stream, each(*stream)));
            let shown = Several::new(all, time, between, out);
            shown_by(&mut plan, shown)?
        }
        (_, false) => {
            let each = |stream| Follow::new(Vec::new(), follow(stream));
            let all = streams.iter().map(|stream| (*stream, each(*stream)));
            let shown = Several::new(all, time, between, out);
            shown_by(&mut plan, shown)?
        }
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
    say(&format!("the capture has no stream {first}: {numbers}"));
    Ok(ExitCode::from(NOT_FOUND))
}

/// Runs the plan with a sink that writes connections. Returns also what the sink counted.
fn shown_by(
    plan: &mut Plan,
    mut shown: impl FollowSink,
) -> Result<(Ended, Losses, Followed), Failure> {
    let mut losses = Losses::default();
    let mut tee = Tee::default();
    tee.add_printer(&mut shown);
    tee.add(&mut losses);
    let ended = plan.run(tee)?;
    Ok((ended, losses, shown.followed()))
}

/// Reports the bytes that are missing in the output.
fn say_of_octets(followed: Followed) {
    let (masked, missing) = (followed.masked, followed.missing);
    if masked > 0 {
        say(&format!(
            "{masked} bytes that are, or may be, part of a password are written as *; \
             --show-passwords writes them"
        ));
    }
    if missing > 0 {
        say(&format!(
            "{missing} bytes were never captured and are left out"
        ));
    }
}
