//! Every stored capture gives the messages, streams and frames that its README lists.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use authscope::capture::{ReadOptions, open};
use authscope::dissect::{Message, Note};
use authscope::protocol::Fault;
use authscope::session::{FrameRecord, Inspector, Options, Remainder, Sink, run};
use serde::Deserialize;

#[derive(Deserialize)]
struct Expected {
    frames: u64,
    streams: u64,
    damaged: bool,
    messages: Vec<Answer>,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
struct Answer {
    frame: u64,
    from: String,
    stream: u32,
    r#type: String,
}

#[derive(Default)]
struct Collect {
    frames: u64,
    streams: u64,
    messages: Vec<Message>,
    notes: Vec<Note>,
}

impl Sink for Collect {
    type Error = std::convert::Infallible;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, Self::Error> {
        self.frames += 1;
        self.messages.extend_from_slice(record.messages);
        self.notes
            .extend(record.notes.iter().map(|note| note.note.clone()));
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), Self::Error> {
        self.messages.extend_from_slice(remainder.messages);
        self.notes
            .extend(remainder.notes.iter().map(|note| note.note.clone()));
        self.streams = remainder.totals.streams;
        Ok(())
    }
}

/// The answers list messages whose header is right.
fn is_about_the_header(note: &Note) -> bool {
    matches!(
        note,
        Note::Fault(
            Fault::Length { .. }
                | Fault::UnknownCommand(_)
                | Fault::HeaderNotCounted { .. }
                | Fault::Reversed { .. }
                | Fault::NumberAsText { .. }
        )
    )
}

#[test]
fn every_capture_gives_its_answer() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut expected: BTreeMap<String, Expected> = BTreeMap::new();
    for answers in ["expected.json", "recorded.json", "cases.json"] {
        let text = std::fs::read_to_string(folder.join(answers)).unwrap();
        expected.append(&mut serde_json::from_str(&text).unwrap());
    }
    let mut wrong = 0;
    for (name, expected) in expected {
        let source = open(&folder.join(&name), ReadOptions::default()).unwrap();
        let inspector = Inspector::new(&Options::default());
        let mut found = Collect::default();
        let Ok(errors) = run(Box::new(source), inspector, &mut found, 1);
        let answers: Vec<Answer> = found
            .messages
            .iter()
            .filter(|message| !message.notes.iter().any(is_about_the_header))
            .map(|message| Answer {
                frame: message.frame,
                from: message.sender.name().to_owned(),
                stream: message.stream,
                r#type: message.command().name().to_owned(),
            })
            .collect();
        let same = answers == expected.messages
            && found.frames == expected.frames
            && found.streams == expected.streams
            && errors.is_empty() != expected.damaged;
        if !same || std::env::var_os("SHOW").is_some() {
            wrong += u32::from(!same);
            eprintln!(
                "== {name}: same {same} frames {} streams {} err {}",
                found.frames,
                found.streams,
                !errors.is_empty()
            );
            for message in &found.messages {
                let notes: Vec<String> = message.notes.iter().map(ToString::to_string).collect();
                eprintln!(
                    "  got {} {} {} {} {:?}",
                    message.frame,
                    message.stream,
                    message.sender.name(),
                    message.command(),
                    notes
                );
            }
            for note in &found.notes {
                eprintln!("  note {note}");
            }
            if !same {
                for answer in &expected.messages {
                    eprintln!("  want {answer:?}");
                }
            }
        }
    }
    assert_eq!(wrong, 0, "captures with another answer; see above");
}
