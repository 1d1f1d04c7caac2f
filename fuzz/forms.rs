//! Every form of output, for any bytes as a capture file: rows, details, fields, streams, summaries, explanations, and
//! saved captures, with and without a display filter.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use authscope::capture::{CaptureWriter, FileSource, ReadOptions};
use authscope::filter::{Filter, FilterOptions, Needs, fields};
use authscope::output::forms::{FORMS as BY_NAME, FormEntry, FormOptions, Waits};
use authscope::output::{
    Answers, Charset, Columns, Context, Findings, Follow, FollowFormat, FollowOptions, Group,
    Ladder, LadderOptions, OCTETS, Rows, Stats, StatsFormat, TREE, TextStyle, TimeFormat,
};
use authscope::save::{Save, SaveOptions, Survey};
use authscope::session::summary::Summary;
use authscope::session::{Holding, Inspector, Options, Sink, run};
use authscope::wireshark::explain;

use super::{assert_harmless, frames_of};

/// The output forms of rows for options other than `-T`.
const BY_OPTION: [&FormEntry; 3] = [&TREE, &OCTETS, &explain::FORM];

/// Number of output forms of rows.
const ROWS: u8 = (BY_NAME.len() + BY_OPTION.len()) as u8;

/// Number of all forms: of rows, two of streams, two of summaries, two of saved captures.
pub const FORMS: u8 = ROWS + 6;

/// Filters on fields that are costly to compute, and odd filters.
const FILTERS: [&str; 6] = [
    "frame",
    "reglogin",
    "tcp.analysis.flags or reglogin.note",
    "reglogin.response_in",
    "frame contains 00:00:00:3a",
    "!reglogin && lower(frame.protocols) matches \"a|b\"",
];

/// Formats of times, which a byte selects.
const TIMES: [TimeFormat; 4] = [
    TimeFormat::Relative,
    TimeFormat::Delta,
    TimeFormat::Utc,
    TimeFormat::Epoch,
];

/// Collects the text of an output.
#[derive(Clone, Default)]
pub struct Text(Rc<RefCell<Vec<u8>>>);

impl Text {
    /// The text so far.
    pub fn octets(&self) -> Vec<u8> {
        self.0.borrow().clone()
    }
}

impl Write for Text {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Collects a saved capture, from any thread.
#[derive(Clone, Default)]
struct Saved(Arc<Mutex<Vec<u8>>>);

impl Write for Saved {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody fails meanwhile").write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The options of a form, from the second byte.
#[derive(Clone, Copy)]
struct Choice(u8);

impl Choice {
    fn filter(self) -> Option<Filter> {
        let text = FILTERS.get(usize::from(self.0 & 7))?;
        let options = FilterOptions {
            show_passwords: self.show_passwords(),
        };
        Some(Filter::parse(text, options).expect("a filter of ours is one"))
    }

    fn show_passwords(self) -> bool {
        self.0 & 8 != 0
    }

    fn time(self) -> TimeFormat {
        TIMES[usize::from(self.0 >> 4 & 3)]
    }

    fn rows(self) -> Rows {
        [Rows::Messages, Rows::Watched, Rows::All, Rows::All][usize::from(self.0 >> 6)]
    }
}

/// The context of outputs, with the filter that `choice` selects, and the outputs' own `needs`.
fn context(capture: &[u8], choice: Choice, needs: Needs) -> Context {
    let filter = choice.filter();
    let needs = filter.as_ref().map_or(needs, |f| f.needs().or(needs));
    let answers = needs.responses.then(|| {
        let mut answers = Answers::default();
        pass(capture, &Options::default(), &mut answers);
        Rc::new(answers)
    });
    Context::new(filter, needs, answers, choice.show_passwords()).timed(choice.time())
}

fn pass<S: Sink>(capture: &[u8], options: &Options, sink: &mut S)
where
    S::Error: std::fmt::Debug,
{
    let reader = io::Cursor::new(capture.to_vec());
    let Ok(source) = FileSource::from_reader(reader, ReadOptions::default()) else {
        return;
    };
    let inspector = Inspector::new(options);
    run(Box::new(source), inspector, sink, 1).expect("memory can be written to");
}

/// Panics unless each line, or the whole text, is JSON.
fn assert_json(text: &[u8], lines: bool) {
    let text = std::str::from_utf8(text).expect("output is UTF-8");
    let parts: Vec<&str> = if lines {
        text.lines().collect()
    } else {
        vec![text]
    };
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        let value = serde_json::from_str::<serde::de::IgnoredAny>(part);
        assert!(value.is_ok(), "not JSON: {part}");
    }
}

/// The first byte selects the form, the second its options. The others are the capture file.
pub fn forms(octets: &[u8]) {
    let [form, choice, capture @ ..] = octets else {
        return;
    };
    in_form(*form % FORMS, *choice, capture);
}

/// Reads a capture file and writes it in one form.
///
/// # Panics
///
/// If the output is not valid for the form.
pub fn in_form(form: u8, choice: u8, capture: &[u8]) {
    let choice = Choice(choice);
    match form.checked_sub(ROWS) {
        None => {
            let entry = BY_NAME
                .iter()
                .copied()
                .chain(BY_OPTION)
                .nth(usize::from(form));
            rows(entry.expect("a form of rows"), choice, capture);
        }
        Some(0) => followed(choice, capture),
        Some(1) => ladder(choice, capture),
        Some(2) => summary(false, choice, capture),
        Some(3) => summary(true, choice, capture),
        Some(4) => saved(false, choice, capture),
        Some(_) => saved(true, choice, capture),
    }
}

/// Every frame as lines, with its details, and as JSON.
pub fn usual(capture: &[u8]) {
    // All rows, no filter, passwords masked.
    let choice = Choice(0b1100_0111);
    let by_name = BY_NAME.iter().copied();
    let named = by_name.filter(|form| matches!(form.name, "text" | "jsonl"));
    for form in named.chain([&TREE]) {
        rows(form, choice, capture);
    }
}

/// Returns an output that writes the details of every frame.
pub fn tree() -> (Text, Group<'static>) {
    let text = Text::default();
    let options = FormOptions {
        rows: Rows::All,
        tree: true,
        ..FormOptions::default()
    };
    let mut group = Group::new(Context::default());
    group.add((TREE.make)(options, Box::new(text.clone())));
    (text, group)
}

fn rows(entry: &FormEntry, choice: Choice, capture: &[u8]) {
    let all: Vec<_> = fields().iter().collect();
    let needs = all.iter().map(|field| field.needs);
    let needs = needs.fold(Needs::default(), Needs::or);
    let context = context(capture, choice, needs).telling(Findings::Told);
    let text = Text::default();
    let options = FormOptions {
        rows: choice.rows(),
        width: Some(if choice.show_passwords() {
            || Some(60)
        } else {
            || Some(132)
        }),
        tree: entry.waits == Waits::ForResponses,
        octets: true,
        payload: true,
        fields: all,
        columns: Columns {
            header: true,
            separator: "|".to_owned(),
            ..Columns::default()
        },
        raw: choice.show_passwords(),
        ..FormOptions::default()
    };
    let mut group = Group::new(context);
    group.add((entry.make)(options, Box::new(text.clone())));
    if entry.waits == Waits::ForResponses {
        pass(capture, &Options::default(), &mut Holding::all(&mut group));
    } else {
        pass(capture, &Options::default(), &mut group);
    }
    let text = text.0.borrow();
    if entry.is_binary {
        return;
    }
    assert_harmless(&text);
    match entry.name {
        "json" => assert_json(&text, false),
        "jsonl" | "ek" => assert_json(&text, true),
        _ => {}
    }
}

/// The stream that is followed.
const STREAM: u32 = 0;

fn following() -> Options {
    Options {
        follow: authscope::session::Followed::Stream(STREAM),
        ..Options::default()
    }
}

fn followed(choice: Choice, capture: &[u8]) {
    let text = Text::default();
    let format = [
        FollowFormat::Text,
        FollowFormat::Hex,
        FollowFormat::Json,
        FollowFormat::Raw,
    ][usize::from(choice.0 & 3)];
    let options = FollowOptions {
        color: false,
        line: FollowOptions::LINE,
        stream: STREAM,
        format,
        sender: None,
        time: choice.time(),
        show_passwords: choice.show_passwords(),
        in_fields: false,
    };
    pass(
        capture,
        &following(),
        &mut Follow::new(text.clone(), options),
    );
    let text = text.0.borrow();
    if format == FollowFormat::Raw {
        return;
    }
    // The hexadecimal form moves the server to the right with a tab, as tshark does.
    let text: Vec<u8> = text.iter().copied().filter(|o| *o != b'\t').collect();
    assert_harmless(&text);
    if format == FollowFormat::Json {
        assert_json(&text, false);
    }
}

fn ladder(choice: Choice, capture: &[u8]) {
    let text = Text::default();
    let options = LadderOptions {
        stream: STREAM,
        width: 40 + u16::from(choice.0),
        charset: Charset::Unicode,
        time: choice.time(),
        color: false,
        at_once: false,
    };
    pass(
        capture,
        &following(),
        &mut Ladder::new(text.clone(), options),
    );
    assert_harmless(&text.0.borrow());
}

fn summary(as_json: bool, choice: Choice, capture: &[u8]) {
    let context = context(capture, choice, Needs::default());
    let text = Text::default();
    let format = if as_json {
        StatsFormat::Json
    } else {
        StatsFormat::Text(TextStyle {
            color: false,
            charset: Charset::Unicode,
            width: None,
        })
    };
    let stats = Stats::new(text.clone(), Summary::default(), format, None);
    pass(capture, &Options::default(), &mut Group::of(context, stats));
    let text = text.0.borrow();
    assert_harmless(&text);
    if as_json {
        assert_json(&text, false);
    }
}

/// A saved capture has the frames of the original, in their order, with their times and lengths.
fn saved(redact: bool, choice: Choice, capture: &[u8]) {
    let options = SaveOptions {
        annotate: choice.0 & 1 == 0,
        redact,
        stream_complete: false,
    };
    let mut survey = Survey::new(options, Context::default());
    while FileSource::from_reader(io::Cursor::new(capture.to_vec()), ReadOptions::default()).is_ok()
        && survey.wants_more()
    {
        pass(capture, &Options::default(), &mut survey);
    }
    let saved = Saved::default();
    let mut save = Save::new(CaptureWriter::to(saved.clone()), Context::default(), survey);
    pass(capture, &Options::default(), &mut save);
    drop(save);
    let octets = std::mem::take(&mut *saved.0.lock().expect("nobody fails meanwhile"));
    if octets.is_empty() {
        return;
    }
    let (before, _) = frames_of(io::Cursor::new(capture.to_vec()));
    let (after, error) = frames_of(io::Cursor::new(octets));
    assert_eq!(error, None, "what is saved cannot be read");
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after) {
        // A time that `i64` cannot express is saved in the resolution of the file.
        if before.0.0 != i64::MAX {
            assert_eq!(before.0, after.0);
        }
        assert_eq!(before.1, after.1);
        assert_eq!(before.2.len(), after.2.len());
        if !redact {
            assert_eq!(before.2, after.2);
        }
    }
}
