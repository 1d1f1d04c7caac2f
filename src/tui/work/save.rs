//! Saving what is seen: a capture, rows as text or JSON lines, the flow as a picture.

use std::collections::BTreeSet;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::result::Result;
use std::sync::{Arc, Mutex, PoisonError};

use super::flow::flow;
use super::{Looks, Material, again, svg};
use crate::capture::{Aside, Batch, CaptureWriter, Inputs, Place, Stop, WriteOptions};
use crate::filter::Needs;
use crate::output::forms::{FormOptions, form};
use crate::output::{Context, Group, Rows};
use crate::save::{Save as Saving, SaveOptions, Survey};
use crate::session::{FrameRecord, Remainder, Sink};
use crate::text::escape::Escaped;
use crate::tui::answer::{Chosen, Save, SaveForm};
use crate::tui::recording::Choice;

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
            let entries = numbers
                .iter()
                .filter_map(|number| recording.exchange(*number));
            Chosen::Streams(entries.map(|entry| entry.stream).collect())
        }
        other => other.clone(),
    };
    let path = &wanted.path;
    let shown = path.to_string_lossy();
    let shown = Escaped(&shown);
    let frames = match wanted.form {
        SaveForm::Pcapng => capture(material, path, &chosen, wanted.redact, stop)?,
        SaveForm::Text | SaveForm::JsonLines => rows(material, looks, wanted, &chosen, stop)?,
        SaveForm::Svg => {
            let streams: Vec<u32> = match &chosen {
                Chosen::Streams(streams) => streams.iter().copied().collect(),
                _ => return Err("a picture is of marked exchanges, or of a flow".to_owned()),
            };
            let drawn = svg::draw(&flow(material, looks, &streams, stop)?);
            write(material, path, drawn.as_bytes())?;
            return Ok(format!("saved the flow to {shown}"));
        }
    };
    if stop.is_asked() {
        return Err("given up".to_owned());
    }
    let noun = if frames == 1 { "frame" } else { "frames" };
    Ok(format!("saved {frames} {noun} to {shown}"))
}

fn write(material: &Material, path: &Path, bytes: &[u8]) -> Result<(), String> {
    let inputs = Inputs::of(&material.files);
    Place::write_whole(path, &inputs, bytes).map_err(|error| error.to_string())
}

/// Gives an inner sink the chosen frames only.
struct Only<'c, S> {
    chosen: &'c Chosen,
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
            Chosen::Frames(frames) => frames.contains(&record.frame.number),
            Chosen::Exchanges(_) => false,
        };
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
        let none = Remainder {
            ending: remainder.ending,
            ..Remainder::default()
        };
        self.inner.end(if is_all { remainder } else { &none })
    }
}

fn capture(
    material: &Material,
    path: &Path,
    chosen: &Chosen,
    redact: bool,
    stop: &Stop,
) -> Result<u64, String> {
    let options = SaveOptions {
        redact,
        ..SaveOptions::default()
    };
    let context = || Context::new(None, Needs::NOTHING, None, false);
    let mut survey = Survey::new(options, context());
    while survey.wants_more() && !stop.is_asked() {
        again(material, Choice::All, &mut survey, stop, |_| ())?;
    }
    let options = WriteOptions {
        redacted: redact,
        ..WriteOptions::default()
    };
    let writer = CaptureWriter::create(path, &material.files, &options);
    let writer = writer.map_err(|error| error.to_string())?;
    let mut only = Only {
        chosen,
        inner: Saving::new(writer, context(), survey),
        given: 0,
    };
    again(material, Choice::All, &mut only, stop, |_| ())?;
    Ok(only.given)
}

/// Bytes that somebody else takes when all are there.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
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
    let kept = Kept::default();
    let output = (form.make)(options, Box::new(kept.clone()));
    let shows = looks.show_passwords && !wanted.redact;
    let context = Context::new(None, form.needs, None, shows).timed(looks.time);
    let mut group = Group::new(context);
    group.add(output);
    let mut only = Only {
        chosen,
        inner: group,
        given: 0,
    };
    let done: Result<(), String> = again(material, Choice::All, &mut only, stop, |_| ());
    done?;
    let given = only.given;
    drop(only);
    let bytes = std::mem::take(&mut *kept.0.lock().unwrap_or_else(PoisonError::into_inner));
    write(material, &wanted.path, &bytes)?;
    Ok(given)
}
