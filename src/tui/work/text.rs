//! What rooms give as text: a conversation, statistics, Wireshark's reading.

use std::ops::ControlFlow;
use std::result::Result;

use super::{Look, Looks, Material, again, again_with, until};
use crate::capture::Stop;
use crate::dissect::Message;
use crate::output::{
    Follow, FollowFormat, FollowOptions, Highlight, Sentence, StatsFormat, TextStyle, info,
    message_lines, write_summary,
};
use crate::session::summary::Summary;
use crate::session::{Followed, FrameRecord, Remainder, Sink};
use crate::stream::Role;
use crate::tui::answer::{Explained, Explanation, FollowText, Statistics};
use crate::tui::recording::Choice;
use crate::wireshark::explain::{Model, explain as explained, explained as in_words};

/// Bytes of a conversation's text at the most.
const MOST_TEXT: usize = 16 << 20;

/// A conversation as text, or its bytes.
pub fn follow(
    material: &Material,
    looks: Looks,
    stream: u32,
    as_bytes: bool,
    stop: &Stop,
) -> Result<FollowText, String> {
    let options = FollowOptions {
        color: false,
        line: FollowOptions::LINE,
        stream,
        format: if as_bytes {
            FollowFormat::Hex
        } else {
            FollowFormat::Text
        },
        sender: None,
        time: looks.time,
        show_passwords: looks.show_passwords,
        in_fields: material.options.reglogin_in_fields,
    };
    let mut shown = Follow::new(Vec::new(), options);
    if let Some(start) = material.shared.read().start() {
        shown.begin_at(start);
    }
    let choice = Choice::Streams(vec![stream]);
    again_with(material, choice, &mut shown, stop, |options| {
        options.follow = Followed::Stream(stream);
    })?;
    let text = shown.written();
    let text = String::from_utf8_lossy(&text[..text.len().min(MOST_TEXT)]).into_owned();
    let mut of = None;
    let lines = text.lines().map(|line| {
        if line.starts_with("client -> server") {
            of = Some(Role::Client);
        } else if line.starts_with("server -> client") {
            of = Some(Role::Server);
        }
        let side = match as_bytes {
            true if line.starts_with('\t') => Some(Role::Server),
            true if line.starts_with(|c: char| c.is_ascii_hexdigit()) => Some(Role::Client),
            true => None,
            false => of,
        };
        (side, line.replace('\t', "  "))
    });
    Ok(FollowText {
        stream,
        as_bytes,
        lines: lines.collect(),
    })
}

/// Statistics, for so many columns.
pub fn statistics(summary: &Summary, looks: Looks, width: u16) -> Statistics {
    let style = TextStyle {
        color: false,
        charset: looks.charset,
        width: Some(width),
    };
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = write_summary(&mut text, summary, StatsFormat::Text(style), None);
    let text = String::from_utf8_lossy(&text).into_owned();
    let findings = summary.findings();
    let findings = findings.iter().map(|finding| {
        let highlight = Highlight::of_severity(finding.severity);
        (
            highlight,
            Sentence(finding).to_string(),
            finding.frames.clone(),
        )
    });
    Statistics {
        findings: findings.collect(),
        lines: text.lines().map(str::to_owned).collect(),
    }
}

/// Gathers explanations.
struct Explaining {
    model: Model,
    stream: u32,
    looks: Looks,
    messages: Vec<Explanation>,
}

/// Messages explained at the most.
const MOST_EXPLAINED: usize = 1000;

impl Explaining {
    fn message(&mut self, message: &Message) {
        if message.stream != self.stream || message.described.is_some() {
            return;
        }
        let mut title = String::new();
        info::message(&mut title, message, self.looks.show_passwords);
        let ours = message_lines(message, self.looks.show_passwords);
        let ours = ours
            .into_iter()
            .map(|(label, value)| format!("{label}: {value}"));
        let notes = message
            .notes
            .iter()
            .map(|note| format!("{}: {note}", note.severity().name()));
        let theirs = in_words(message, &explained(&self.model, message));
        self.messages.push(Explanation {
            frame: message.frame,
            title,
            highlight: Highlight::of(message),
            ours: ours.chain(notes).collect(),
            theirs: theirs.lines().map(|line| line.trim().to_owned()).collect(),
        });
    }
}

impl Sink for Explaining {
    type Error = std::convert::Infallible;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, Self::Error> {
        self.model.record(record);
        for message in record.messages {
            self.message(message);
        }
        Ok(until(self.messages.len() > MOST_EXPLAINED))
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), Self::Error> {
        for message in remainder.messages {
            self.message(message);
        }
        Ok(())
    }
}

/// Wireshark's reading of a conversation, beside ours.
pub fn explain(
    material: &Material,
    looks: Looks,
    stream: u32,
    stop: &Stop,
) -> Result<Explained, String> {
    let mut explaining = Explaining {
        model: Model::default(),
        stream,
        looks,
        messages: Vec::new(),
    };
    let choice = Choice::Streams(vec![stream]);
    again(material, choice, &mut explaining, stop)?;
    Ok(Explained {
        stream,
        messages: explaining.messages,
    })
}

/// The messages of some frames, in order.
pub fn messages_of(
    material: &Material,
    frames: &[u64],
    stop: &Stop,
) -> Result<Vec<Message>, String> {
    let mut found = Vec::new();
    let look = Look(|record: &FrameRecord<'_>| {
        let own = record.messages.iter();
        found.extend(
            own.filter(|message| frames.contains(&message.frame))
                .cloned(),
        );
        ControlFlow::Continue(())
    });
    let last = frames.iter().max().copied().unwrap_or_default();
    let choice = Choice::Around(frames.to_vec(), last);
    again(material, choice, &mut { look }, stop)?;
    Ok(found)
}
