//! `authscope check`: captures as tests.

mod examined;
mod golden_file;
mod junit;

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use clap::Args;

use self::examined::{Examined, Wanted};
use self::golden_file::GoldenFiles;
use super::error::Failure;
use super::fail_on::{FailOn, counted};
use super::inspect::InspectArguments;
use super::run::{Plan, files};
use super::say;
use super::side_by_side::{Produced, side_by_side};
use super::signal::stop_on_signals;
use super::terminal::{When, standard_output, terminal_width};
use crate::output::OutputError;
use crate::text::escape::{Local, is_harmful};
use crate::text::number::number_of;

/// Check captures, as a test does: nothing is wrong in them, or they are as a golden file records.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  authscope check capture.pcapng            nothing in it is wrong
  authscope check --no-unanswered captures/ and every request was answered
  authscope check --update capture.pcapng   write down what was said, in
                                            capture.pcapng.golden
  authscope check capture.pcapng            then on: the same was said
  authscope check --expect login.golden monday.pcapng tuesday.pcapng
  authscope check --junit report.xml captures/

A line a file. Exit codes: 0 all are right, 1 one is not, 2 one could not be
read. docs/checks.md says what a golden file has, and in which order.")]
pub(super) struct Arguments {
    /// Capture files, and folders, which mean the captures in them; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The least severity of a note with which a capture is not right. [default: warning; with a golden
    /// file, which has the notes, none]
    #[arg(long, value_enum, value_name = "SEVERITY")]
    fail_on: Option<FailOn>,

    /// A request without a response is not right.
    #[arg(long)]
    no_unanswered: bool,

    /// The golden file that what was said must equal, or a folder with one for each capture. [default: FILE.golden
    /// beside each capture, where it is there]
    #[arg(long, value_name = "GOLDEN")]
    expect: Option<PathBuf>,

    /// Write the golden file in place of comparing with it.
    #[arg(long)]
    update: bool,

    /// Write the results as JUnit's XML.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    /// Colours by result; auto is on a terminal where NO_COLOR is not set.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    color: When,

    #[command(flatten)]
    inspect: InspectArguments,
}

/// The result of a check, from the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Status {
    Right,
    Wrong,
    Unread,
}

impl Status {
    const fn code(self) -> u8 {
        self as u8
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Right => "ok",
            Self::Wrong => "FAIL",
            Self::Unread => "ERROR",
        }
    }

    fn style(self) -> Style {
        let color = match self {
            Self::Right => AnsiColor::Green,
            Self::Wrong | Self::Unread => AnsiColor::Red,
        };
        Style::new().fg_color(Some(color.into()))
    }
}

/// The result of checking one file.
struct Verdict {
    /// The file's name, as it is shown.
    name: String,
    status: Status,
    /// Why the check failed, one clause each.
    reasons: Vec<String>,
    /// What the capture contains, one clause each.
    facts: Vec<String>,
    /// Where the capture is wrong.
    failures: Vec<String>,
    /// How it differs from its golden file.
    difference: Option<String>,
    took: Duration,
}

impl Verdict {
    fn worsen(&mut self, status: Status, reason: String) {
        self.status = self.status.max(status);
        self.reasons.push(reason);
    }

    /// The line that reports the result.
    fn line(&self) -> String {
        [self.reasons.as_slice(), &self.facts].concat().join("; ")
    }
}

/// What one file contains, before it is compared with its golden file.
struct Found {
    verdict: Verdict,
    golden: Option<Conversations>,
}

/// The conversations of a capture, and the golden file that they belong to.
struct Conversations {
    file: PathBuf,
    body: String,
}

impl Arguments {
    fn golden_files(&self) -> GoldenFiles {
        GoldenFiles::of(self.expect.as_deref())
    }

    /// The golden file of a capture, if it has one to be compared with.
    fn golden_file(&self, capture: &Path) -> Result<Option<PathBuf>, Failure> {
        let golden = self.golden_files();
        let is_asked = self.update || self.expect.is_some();
        match golden.file(capture) {
            Some(file) if is_asked || file.exists() => Ok(Some(file)),
            None if is_asked => Err(Failure::Text(
                "standard input has no golden file of its own: name one with --expect".to_owned(),
            )),
            _ => Ok(None),
        }
    }

    /// Reads a file and looks at it.
    fn examine(&self, capture: &Path, mut plan: Plan) -> Result<Found, Failure> {
        let began = Instant::now();
        let golden_file = self.golden_file(capture)?;
        let usual = golden_file.is_none().then_some(FailOn::Warning);
        let wanted = Wanted {
            fail_on: self.fail_on.or(usual),
            no_unanswered: self.no_unanswered,
            golden: golden_file.is_some(),
        };
        let mut examined = Examined::new(wanted);
        let ended = plan
            .run_alone(&mut examined)
            .and_then(|ended| ended.conclude(|| ()));
        let mut verdict = Verdict {
            name: Local(&capture.to_string_lossy()).to_string(),
            status: Status::Right,
            reasons: Vec::new(),
            facts: vec![messages(&examined)],
            failures: Vec::new(),
            difference: None,
            took: Duration::ZERO,
        };
        if let Err(failure) = ended {
            if failure.is_interruption() {
                return Err(failure);
            }
            let reasons = failure.reasons().join("; ");
            verdict.worsen(Status::Unread, format!("cannot be read: {reasons}"));
            verdict.facts.clear();
            verdict.took = began.elapsed();
            return Ok(Found {
                verdict,
                golden: None,
            });
        }
        let notes = wanted
            .fail_on
            .and_then(|least| counted(least, |severity| examined.notes(severity)));
        let unanswered = (wanted.no_unanswered && examined.unanswered > 0).then(|| {
            let requests = number_of(examined.unanswered, "request");
            format!("{requests} without a response")
        });
        for failure in notes.into_iter().chain(unanswered) {
            verdict.worsen(Status::Wrong, failure);
        }
        verdict.failures = examined.listed();
        verdict.took = began.elapsed();
        let body = examined.golden.map(crate::output::golden::Golden::body);
        let golden = golden_file
            .zip(body)
            .map(|(file, body)| Conversations { file, body });
        Ok(Found { verdict, golden })
    }

    /// Compares the conversations with their golden file, or writes that file; `written` lists the files already
    /// written.
    fn compare(
        &self,
        capture: &Path,
        said: &Conversations,
        verdict: &mut Verdict,
        written: &mut HashSet<PathBuf>,
    ) {
        let Conversations { file, body } = said;
        let name = Local(&file.to_string_lossy()).to_string();
        if self.update && written.insert(file.clone()) {
            match golden_file::update(file, body) {
                Ok(true) => verdict.facts.push(format!("written to {name}")),
                Ok(false) => verdict.facts.push(format!("{name} has it already")),
                Err(error) => verdict.worsen(Status::Unread, error),
            }
            return;
        }
        match golden_file::difference(file, capture, body) {
            Ok(None) => verdict.facts.push(format!("as in {name}")),
            Ok(Some(difference)) => {
                verdict.worsen(Status::Wrong, format!("differs from {name}"));
                verdict.difference = Some(difference);
            }
            Err(error) => verdict.worsen(Status::Unread, error),
        }
    }
}

/// `4 messages, all requests answered`.
fn messages(examined: &Examined) -> String {
    let requests = match (examined.requests, examined.unanswered) {
        (0, _) => "no request".to_owned(),
        (1, 0) => "1 request, answered".to_owned(),
        (all, 0) => format!("{all} requests, all answered"),
        (1, _) => "1 request, not answered".to_owned(),
        (all, left) => format!("{all} requests, {left} not answered"),
    };
    match examined.messages {
        0 => "no message in it".to_owned(),
        1 => format!("1 message, {requests}"),
        more => format!("{more} messages, {requests}"),
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let inspection = arguments.inspect.options(false)?;
    let files: Arc<[PathBuf]> = files(&arguments.files)?.into();
    let stop = stop_on_signals()?;
    let mut shown = Shown {
        out: standard_output(),
        color: arguments.color.applies(),
        width: terminal_width(),
    };
    let mut verdicts: Vec<Verdict> = Vec::new();
    let mut written = HashSet::new();
    side_by_side(
        files.len(),
        |index, _| {
            let plan = Plan::one_of(&files, index, &inspection, &stop);
            arguments.examine(&files[index], plan)
        },
        |index, handed| {
            let Produced::Done(found) = handed else {
                return Ok(());
            };
            let Found {
                mut verdict,
                golden,
            } = found?;
            if let Some(said) = golden {
                arguments.compare(&files[index], &said, &mut verdict, &mut written);
            }
            shown.show(&verdict)?;
            verdicts.push(verdict);
            Ok::<(), Failure>(())
        },
    )?;
    if let Some(path) = &arguments.junit {
        junit::write(path, &verdicts).map_err(OutputError::Capture)?;
    }
    sum_up(&verdicts);
    let worst = verdicts.iter().map(|verdict| verdict.status).max();
    Ok(ExitCode::from(worst.map_or(0, Status::code)))
}

/// How many files have this result.
fn count(verdicts: &[Verdict], status: Status) -> usize {
    let of_status = verdicts.iter().filter(|verdict| verdict.status == status);
    of_status.count()
}

/// For several files, reports how many failed.
fn sum_up(verdicts: &[Verdict]) {
    let mut parts = Vec::new();
    match count(verdicts, Status::Wrong) {
        0 => {}
        1 => parts.push("1 is not right".to_owned()),
        more => parts.push(format!("{more} are not right")),
    }
    match count(verdicts, Status::Unread) {
        0 => {}
        more => parts.push(format!("{more} could not be checked")),
    }
    if verdicts.len() > 1 && !parts.is_empty() {
        say(&format!(
            "of {} captures {}",
            verdicts.len(),
            parts.join(", ")
        ));
    }
}

/// Where results are shown, as they come.
struct Shown<W> {
    out: W,
    color: bool,
    width: Option<u16>,
}

/// Width of the result word, in columns.
const WORD: usize = 7;

impl<W: Write> Shown<W> {
    fn show(&mut self, verdict: &Verdict) -> Result<(), OutputError> {
        let word = verdict.status.word();
        let line = format!("{word:<WORD$}{}: {}", verdict.name, verdict.line());
        let line = self.fitted(&line);
        let (start, end) = self.styled(verdict.status.style());
        writeln!(self.out, "{start}{word}{end}{}", &line[word.len()..])?;
        for failure in &verdict.failures {
            let line = self.fitted(&format!("{:WORD$}{failure}", ""));
            writeln!(self.out, "{line}")?;
        }
        for line in verdict.difference.iter().flat_map(|text| text.lines()) {
            let color = match line.as_bytes().first() {
                Some(b'+') => Some(AnsiColor::Green),
                Some(b'-') => Some(AnsiColor::Red),
                Some(b'@') => Some(AnsiColor::Cyan),
                _ => None,
            };
            let style = Style::new().fg_color(color.map(Into::into));
            let (start, end) = self.styled(style);
            // Conversations contain nothing that a terminal interprets, but a file that is not a golden file may.
            writeln!(self.out, "{start}{}{end}", without(line, is_harmful))?;
        }
        Ok(self.out.flush()?)
    }

    /// The escape sequences before and after text of this style.
    fn styled(&self, style: Style) -> (String, String) {
        if self.color {
            (style.render().to_string(), style.render_reset().to_string())
        } else {
            Default::default()
        }
    }

    /// The line, shortened to the terminal's width.
    fn fitted(&self, line: &str) -> String {
        let Some(width) = self.width else {
            return line.to_owned();
        };
        let indent = " ".repeat(WORD);
        let options = textwrap::Options::new(width.into()).subsequent_indent(&indent);
        textwrap::fill(line, options)
    }
}

/// Text with a replacement character for each of these.
fn without(text: &str, is_wrong: impl Fn(char) -> bool) -> String {
    let replaced = |character| {
        if is_wrong(character) {
            char::REPLACEMENT_CHARACTER
        } else {
            character
        }
    };
    text.chars().map(replaced).collect()
}
