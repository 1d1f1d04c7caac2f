//! Every form of output, for any octets as a capture file: rows, details, fields, streams, summaries, explanations, and
//! saved captures, with and without a display filter.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use authscope::capture::{CaptureWriter, FileSource, ReadOptions};
use authscope::filter::{Filter, FilterOptions, Needs, fields};
use authscope::output::{
    Answers, Charset, Columns, Details, DetailsOptions, FieldRows, FieldsFormat, Follow,
    FollowFormat, FollowOptions, Followed, JsonOptions, JsonSink, Ladder, LadderOptions, Layout,
    Lines, RecordFilter, Rows, Save, SaveOptions, Select, Stats, StatsFormat, Survey, Table,
    TableOptions, Tee, TextStyle, TimeFormat, Watch,
};
use authscope::session::summary::Summary;
use authscope::session::{Holding, Inspector, Options, Sink, run};
use authscope::wireshark::explain::{ExplainOptions, ExplainSink};

use super::{assert_harmless, frames_of};

/// How many forms there are.
pub const FORMS: u8 = 15;

/// Filters that ask for what is costly to know, and for what is odd.
const FILTERS: [&str; 6] = [
    "frame",
    "reglogin",
    "tcp.analysis.flags or reglogin.note",
    "reglogin.response_in",
    "frame contains 00:00:00:3a",
    "!reglogin && lower(frame.protocols) matches \"a|b\"",
];

/// Times, by the octet that chooses among them.
const TIMES: [TimeFormat; 4] = [
    TimeFormat::Relative,
    TimeFormat::Delta,
    TimeFormat::Utc,
    TimeFormat::Epoch,
];

/// Text that an output writes, to be looked at when it is done.
#[derive(Clone, Default)]
struct Text(Rc<RefCell<Vec<u8>>>);

impl Write for Text {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A capture that is saved, which threads may hand on.
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

/// What the second octet says of a form.
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

/// What an output is fed through: the filter's own knowledge first, where there is one.
struct Rowed {
    choice: Choice,
    watch: Option<Watch>,
}

impl Rowed {
    /// Asks the filter that `choice` names; `needs` are the output's own.
    fn new(capture: &[u8], choice: Choice, needs: Needs, always: bool) -> Self {
        let filter = choice.filter();
        let needs = filter.as_ref().map_or(needs, |f| f.needs().or(needs));
        let answers = needs.responses.then(|| {
            let mut answers = Answers::default();
            pass(capture, &Options::default(), &mut answers);
            answers
        });
        let watched = filter.is_some() || always;
        let watch = watched.then(|| Watch::new(filter, needs, answers, choice.show_passwords()));
        Self { choice, watch }
    }

    fn select(&self) -> Select {
        let filter = self.watch.clone();
        Select {
            rows: self.choice.rows(),
            filter: filter.map(|watch| Rc::new(watch) as Rc<dyn RecordFilter>),
            show_passwords: self.choice.show_passwords(),
            ..Select::default()
        }
    }

    fn tee<'a>(&self) -> Tee<'a> {
        let mut tee = Tee::default();
        if let Some(watch) = &self.watch {
            tee.add(watch.clone());
        }
        tee
    }
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

/// Each line, or all of it, is JSON.
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

/// The first octet chooses the form, the second how it looks; the others are the capture file.
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
/// Where what is written is not what the form promises.
pub fn in_form(form: u8, choice: u8, capture: &[u8]) {
    match form {
        0..=3 => rows(form, Choice(choice), capture),
        4 | 5 => json(form, Choice(choice), capture),
        6..=8 => field_rows(form, Choice(choice), capture),
        9 | 10 => followed(form, Choice(choice), capture),
        11 | 12 => summary(form, Choice(choice), capture),
        _ => saved(form, Choice(choice), capture),
    }
}

fn rows(form: u8, choice: Choice, capture: &[u8]) {
    let needs = Needs {
        analysis: true,
        ..Needs::default()
    };
    let rowed = Rowed::new(capture, choice, needs, form < 2);
    let (text, time) = (Text::default(), choice.time());
    let mut select = rowed.select();
    let mut tee = rowed.tee();
    match form {
        0 | 1 => {
            select.analysis.clone_from(&rowed.watch);
            if form == 0 {
                tee.add_printer(Lines::new(text.clone(), select, time));
            } else {
                let width = if choice.show_passwords() { 60 } else { 132 };
                let options = TableOptions {
                    time,
                    color: false,
                    width: Some(if width == 60 {
                        || Some(60)
                    } else {
                        || Some(132)
                    }),
                };
                tee.add_printer(Table::new(text.clone(), select, options));
            }
        }
        2 => {
            let options = DetailsOptions {
                tree: true,
                octets: true,
                time,
                color: false,
                show_passwords: choice.show_passwords(),
            };
            let mut held = Tee::default();
            held.add_printer(Details::new(text.clone(), select, options));
            tee.add(Holding::all(held));
        }
        _ => {
            let options = ExplainOptions {
                show_passwords: choice.show_passwords(),
            };
            tee.add_printer(ExplainSink::new(text.clone(), select, options));
        }
    }
    pass(capture, &Options::default(), &mut tee);
    drop(tee);
    assert_harmless(&text.0.borrow());
}

fn json(form: u8, choice: Choice, capture: &[u8]) {
    let rowed = Rowed::new(capture, choice, Needs::default(), false);
    let text = Text::default();
    let layout = if form == 4 {
        Layout::Array
    } else {
        Layout::Lines
    };
    let options = JsonOptions {
        show_passwords: choice.show_passwords(),
        payload: true,
        in_fields: false,
    };
    let mut tee = rowed.tee();
    let mut held = Tee::default();
    held.add_printer(JsonSink::new(text.clone(), layout, rowed.select(), options));
    tee.add(Holding::all(held));
    pass(capture, &Options::default(), &mut tee);
    drop(tee);
    let text = text.0.borrow();
    assert_harmless(&text);
    assert_json(&text, form == 5);
}

fn field_rows(form: u8, choice: Choice, capture: &[u8]) {
    let all: Vec<_> = fields().iter().collect();
    let needs = all.iter().map(|field| field.needs);
    let needs = needs.fold(Needs::default(), Needs::or);
    let rowed = Rowed::new(capture, choice, needs, true);
    let watch = rowed.watch.clone().expect("fields are watched");
    let text = Text::default();
    let format = match form {
        6 => FieldsFormat::Columns(Columns {
            header: true,
            separator: "|".to_owned(),
            ..Columns::default()
        }),
        7 => FieldsFormat::Csv {
            raw: choice.show_passwords(),
        },
        _ => FieldsFormat::Bulk,
    };
    let mut tee = rowed.tee();
    tee.add_printer(FieldRows::new(
        text.clone(),
        rowed.select(),
        watch,
        all,
        format,
    ));
    pass(capture, &Options::default(), &mut tee);
    drop(tee);
    let text = text.0.borrow();
    assert_harmless(&text);
    if form == 8 {
        assert_json(&text, true);
    }
}

fn followed(form: u8, choice: Choice, capture: &[u8]) {
    let text = Text::default();
    let said = Rc::new(RefCell::new(Followed::default()));
    let mut tee = Tee::default();
    let stream = 0;
    let format = [
        FollowFormat::Text,
        FollowFormat::Hex,
        FollowFormat::Json,
        FollowFormat::Raw,
    ][usize::from(choice.0 & 3)];
    if form == 9 {
        let options = FollowOptions {
            stream,
            format,
            sender: None,
            time: choice.time(),
            show_passwords: choice.show_passwords(),
            in_fields: false,
        };
        tee.add_printer(Follow::new(text.clone(), options, Rc::clone(&said)));
    } else {
        let options = LadderOptions {
            stream,
            width: 40 + u16::from(choice.0),
            charset: Charset::Unicode,
            time: choice.time(),
            color: false,
            at_once: false,
        };
        tee.add_printer(Ladder::new(text.clone(), options, Rc::clone(&said)));
    }
    let options = Options {
        follow: authscope::session::Followed::Stream(stream),
        ..Options::default()
    };
    pass(capture, &options, &mut tee);
    drop(tee);
    let text = text.0.borrow();
    if form == 9 && format == FollowFormat::Raw {
        return;
    }
    // The hexadecimal form moves the server to the right with a tab, as tshark does.
    let text: Vec<u8> = text
        .iter()
        .copied()
        .filter(|o| form != 9 || *o != b'\t')
        .collect();
    assert_harmless(&text);
    if form == 9 && format == FollowFormat::Json {
        assert_json(&text, false);
    }
}

fn summary(form: u8, choice: Choice, capture: &[u8]) {
    let rowed = Rowed::new(capture, choice, Needs::default(), false);
    let text = Text::default();
    let format = if form == 11 {
        StatsFormat::Text(TextStyle {
            color: false,
            charset: Charset::Unicode,
        })
    } else {
        StatsFormat::Json
    };
    let mut tee = rowed.tee();
    let filter = rowed.select().filter;
    tee.add_printer(Stats::new(
        text.clone(),
        Summary::default(),
        filter,
        format,
        None,
    ));
    pass(capture, &Options::default(), &mut tee);
    drop(tee);
    let text = text.0.borrow();
    assert_harmless(&text);
    if form == 12 {
        assert_json(&text, false);
    }
}

/// What is saved has the frames of the original, in their order, with their times and lengths.
fn saved(form: u8, choice: Choice, capture: &[u8]) {
    let options = SaveOptions {
        annotate: choice.0 & 1 == 0,
        redact: form == 14,
        stream_complete: false,
    };
    let select = || Select::all(Rows::All);
    let mut survey = Survey::new(options, select());
    while FileSource::from_reader(io::Cursor::new(capture.to_vec()), ReadOptions::default()).is_ok()
        && survey.wants_more()
    {
        pass(capture, &Options::default(), &mut survey);
    }
    let saved = Saved::default();
    let mut save = Save::new(CaptureWriter::to(saved.clone()), select(), survey);
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
        // A time later than any that can be told is kept in the file's resolution.
        if before.0.0 != i64::MAX {
            assert_eq!(before.0, after.0);
        }
        assert_eq!(before.1, after.1);
        assert_eq!(before.2.len(), after.2.len());
        if form == 13 {
            assert_eq!(before.2, after.2);
        }
    }
}
