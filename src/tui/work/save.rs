//! Saving what is seen: a capture, rows as text or JSON lines, the flow as a picture.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;
use std::result::Result;

use super::flow::flow;
use super::{Looks, Material, again, first_error, svg};
use crate::capture::{
    Aside, Batch, CaptureWriter, FrameSource, Inputs, Place, ReadOptions, Stop, WriteError,
    WriteOptions, is_pipe, open_all_until,
};
use crate::filter::Needs;
use crate::output::forms::{FormOptions, form};
use crate::output::{Context, Group, Rows};
use crate::save::{Save as Saving, SaveOptions, Survey};
use crate::session::{Ending, FrameRecord, Inspector, Pass, PassLimits, Remainder, Sink};
use crate::text::escape::Local;
use crate::text::number::number_of;
use crate::tui::answer::{Chosen, Save, SaveForm};
use crate::tui::recording::{Choice, RecordedSource};

/// Saves, and says what was saved or why not.
pub fn save(
    material: &Material,
    looks: Looks,
    wanted: &Save,
    stop: &Stop,
) -> Result<String, String> {
    let chosen = match &wanted.chosen {
        Chosen::Exchanges(numbers) => {
            let recording = material.shared.read();
            let streams = numbers
                .iter()
                .filter_map(|number| recording.stream_of_exchange(number));
            Chosen::Streams(streams.collect())
        }
        other => other.clone(),
    };
    let path = &wanted.path;
    let shown = path.to_string_lossy();
    let shown = Local(&shown);
    let mut secrets = false;
    let frames = match wanted.form {
        SaveForm::Pcapng => {
            let (frames, left_out) = capture(material, path, &chosen, wanted.redact, stop)?;
            secrets = left_out;
            frames
        }
        SaveForm::Text | SaveForm::JsonLines => rows(material, looks, wanted, &chosen, stop)?,
        SaveForm::Svg => {
            let streams: Vec<u32> = match &chosen {
                Chosen::Streams(streams) => streams.iter().copied().collect(),
                _ => return Err("a picture is of marked exchanges, or of a flow".to_owned()),
            };
            let flow = flow(material, looks, &streams, stop)?;
            let mut written = Written::open(material, path)?;
            let drawn = svg::draw(&flow, &mut written);
            drawn.map_err(|error| cannot_write(path, error))?;
            written.finish(path)?;
            return Ok(format!("saved the flow to {shown}"));
        }
    };
    if stop.is_asked() {
        return Err("cancelled".to_owned());
    }
    let without = if secrets {
        "; the TLS secrets were left out"
    } else {
        ""
    };
    let frames = number_of(frames, "frame");
    Ok(format!("saved {frames} to {shown}{without}"))
}

/// Gives an inner sink the chosen frames only.
struct Only<'c, S> {
    chosen: &'c Chosen,
    /// The last frame that was recorded when saving began: a file may go on behind it.
    last: u64,
    stop: &'c Stop,
    inner: S,
    given: u64,
}

impl<S: Sink> Sink for Only<'_, S> {
    type Error = S::Error;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, S::Error> {
        let of_stream = |streams: &BTreeSet<u32>| {
            record
                .placement
                .is_some_and(|placed| streams.contains(&placed.stream))
        };
        let is_chosen = match self.chosen {
            Chosen::All => true,
            Chosen::Streams(streams) => of_stream(streams),
            Chosen::Frames(frames) => frames.search(record.frame.number).is_some(),
            Chosen::Exchanges(_) => false,
        };
        if record.frame.number > self.last {
            return Ok(ControlFlow::Break(()));
        }
        if !is_chosen {
            return Ok(ControlFlow::Continue(()));
        }
        self.given += 1;
        self.inner.record(record)
    }

    fn aside(&mut self, aside: &Aside, batch: &Batch) -> Result<(), S::Error> {
        self.inner.aside(aside, batch)
    }

    fn pause(&mut self) -> Result<ControlFlow<()>, S::Error> {
        self.inner.pause()
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), S::Error> {
        // An exchange that is still open is none of those that were not chosen.
        let is_all = *self.chosen == Chosen::All;
        // What is given up half is not put in its place.
        let ending = if self.stop.is_asked() {
            Ending::Interrupted
        } else {
            Ending::Whole
        };
        let rest = if is_all {
            *remainder
        } else {
            Remainder::default()
        };
        self.inner.end(&Remainder { ending, ..rest })
    }
}

/// Gives frames from the files that they are of, or from the spool file, with all that a writer passes on; from the recording
/// where the beginning of a live capture was dropped, which had nothing but frames.
fn original<S: Sink>(
    material: &Material,
    sink: &mut S,
    last: u64,
    stop: &Stop,
) -> Result<(), String>
where
    S::Error: std::fmt::Display,
{
    let files = &material.files;
    let source: Box<dyn FrameSource + Send> =
        if files.is_empty() || files.iter().any(|file| is_pipe(file)) {
            let recording = material.shared.read();
            // What was cleared or let go is not saved.
            let is_whole = recording.frames().start == 1;
            let spooled = recording.store().spooled().filter(|_| is_whole);
            drop(recording);
            match spooled {
                Some(source) => Box::new(source.map_err(|error| error.to_string())?),
                None => return again(material, Choice::All, sink, stop),
            }
        } else {
            let source = open_all_until(files, ReadOptions { keep: true }, stop);
            Box::new(source.map_err(|error| error.to_string())?)
        };
    let options = RecordedSource::options(&material.shared, &material.options);
    let recording = material.shared.read();
    let is_cut = !recording.ended() || !recording.damage().is_empty();
    drop(recording);
    let limits = PassLimits {
        // What stands behind the last frame belongs to a whole capture only.
        frames: is_cut.then_some(last),
        ..PassLimits::default()
    };
    let pass = Pass::new(source, Inspector::new(&options), stop);
    let passed = pass.limited(limits).threads(1).run(sink);
    first_error(passed.map_err(|error| error.to_string())?.errors)
}

/// Saves frames; how many, and whether secrets were left out.
fn capture(
    material: &Material,
    path: &Path,
    chosen: &Chosen,
    redact: bool,
    stop: &Stop,
) -> Result<(u64, bool), String> {
    let options = SaveOptions {
        redact,
        ..SaveOptions::default()
    };
    let last = material.shared.read().frames().end - 1;
    let context = || Context::new(None, Needs::NOTHING, None, false);
    let mut survey = Survey::new(options, context());
    while survey.wants_more() && !stop.is_asked() {
        original(material, &mut survey, last, stop)?;
    }
    let options = WriteOptions {
        redacted: redact,
        ..WriteOptions::default()
    };
    let writer = CaptureWriter::create(path, &material.files, &options);
    let writer = writer.map_err(|error| error.to_string())?;
    let mut only = Only {
        chosen,
        last,
        stop,
        inner: Saving::new(writer, context(), survey),
        given: 0,
    };
    original(material, &mut only, last, stop)?;
    Ok((only.given, only.inner.left_secrets_out()))
}

/// A file that is written by an output and finished by somebody else.
#[derive(Clone)]
struct Written(Rc<RefCell<BufWriter<Place>>>);

impl Written {
    fn open(material: &Material, path: &Path) -> Result<Self, String> {
        let place = Place::beside(path, &Inputs::of(&material.files));
        let place = place.map_err(|error| cannot_write(path, error))?;
        Ok(Self(Rc::new(RefCell::new(BufWriter::new(place)))))
    }

    /// Puts the file in its place.
    fn finish(&self, path: &Path) -> Result<(), String> {
        let mut out = self.0.borrow_mut();
        let done = out.flush().and_then(|()| out.get_mut().finish());
        done.map_err(|error| cannot_write(path, error))
    }
}

fn cannot_write(path: &Path, error: std::io::Error) -> String {
    let path = path.to_owned();
    WriteError { path, error }.to_string()
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.borrow_mut().flush()
    }
}

fn rows(
    material: &Material,
    looks: Looks,
    wanted: &Save,
    chosen: &Chosen,
    stop: &Stop,
) -> Result<u64, String> {
    let name = match wanted.form {
        SaveForm::Text => "text",
        _ => "jsonl",
    };
    let form = form(name).ok_or("there is no such form")?;
    let options = FormOptions {
        rows: if wanted.as_exchanges {
            Rows::Exchanges
        } else {
            Rows::All
        },
        in_fields: material.options.reglogin_in_fields,
        ..FormOptions::default()
    };
    let written = Written::open(material, &wanted.path)?;
    let output = (form.make)(options, Box::new(written.clone()));
    let shows = looks.show_passwords && !wanted.redact;
    let context = Context::new(None, form.needs, None, shows).timed(looks.time);
    let mut group = Group::new(context);
    group.add(output);
    let mut only = Only {
        chosen,
        last: material.shared.read().frames().end - 1,
        stop,
        inner: group,
        given: 0,
    };
    let done: Result<(), String> = again(material, Choice::All, &mut only, stop);
    done?;
    let given = only.given;
    if !stop.is_asked() {
        written.finish(&wanted.path)?;
    }
    Ok(given)
}
