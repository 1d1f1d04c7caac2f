//! Conversations as steps: a whole one, several in one diagram, or one exchange from near by.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::result::Result;

use super::{Looks, Material, again, until};
use crate::capture::Stop;
use crate::dissect::Message;
use crate::output::{Highlight, Node, Space, Step, Steps, info, message_tree};
use crate::session::{FrameRecord, Holding, Remainder, Sink};
use crate::tui::answer::{Card, Flow, Preview};
use crate::tui::recording::Choice;

/// Steps of a diagram at most.
const MOST: usize = 100_000;

/// Gathers the steps of several conversations.
struct Together {
    all: Vec<Steps>,
    count: usize,
}

impl Sink for Together {
    type Error = Infallible;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, Infallible> {
        for steps in &mut self.all {
            steps.record(record);
        }
        self.count = self.all.iter().map(|steps| steps.all.len()).sum();
        Ok(until(self.count > MOST))
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), Infallible> {
        for steps in &mut self.all {
            steps.end(remainder);
        }
        Ok(())
    }
}

/// Steps of a stream, their times told from the start of all that was recorded.
fn steps_of(material: &Material, looks: Looks, stream: u32) -> Steps {
    let mut steps = Steps::new(stream, looks.time);
    if let Some(start) = material.shared.read().start() {
        steps.clock.see(start);
    }
    steps
}

/// These conversations in one diagram.
pub fn flow(
    material: &Material,
    looks: Looks,
    streams: &[u32],
    stop: &Stop,
) -> Result<Flow, String> {
    let all = streams
        .iter()
        .map(|stream| steps_of(material, looks, *stream))
        .collect();
    let mut together = Together { all, count: 0 };
    let choice = Choice::Streams(streams.to_vec());
    again(material, choice, &mut together, stop)?;
    let cut = together.count > MOST;
    let ends = streams.iter().zip(&together.all);
    let ends = ends.map(|(stream, steps)| (*stream, steps.ends)).collect();
    let mut steps: Vec<Step> = together
        .all
        .into_iter()
        .flat_map(|steps| steps.all)
        .collect();
    // Those of one conversation are in order, which stays.
    steps.sort_by_key(|step| step.frame);
    Ok(Flow {
        streams: ends,
        steps,
        cut,
    })
}

/// Gathers an exchange's steps and messages.
struct Near {
    steps: Steps,
    frames: [Option<u64>; 2],
    last: u64,
    show_passwords: bool,
    cards: Vec<Card>,
}

impl Near {
    fn take(&mut self, messages: &[Message]) {
        let stream = self.steps.stream();
        for message in messages.iter().filter(|message| message.stream == stream) {
            if self.frames.contains(&Some(message.frame)) {
                self.cards.push(card(message, self.show_passwords));
            }
        }
    }
}

impl Sink for Near {
    type Error = Infallible;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, Infallible> {
        self.steps.record(record);
        self.take(record.messages);
        Ok(until(record.frame.number > self.last))
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), Infallible> {
        self.steps.end(remainder);
        self.take(remainder.messages);
        Ok(())
    }
}

/// A message with its fields.
pub fn card(message: &Message, show_passwords: bool) -> Card {
    let mut title = String::new();
    info::summary(&mut title, message, show_passwords);
    let (title, _) = title.split_once(", ").unwrap_or((&title, ""));
    let tree = message_tree(message, Space::Message, show_passwords);
    let base = tree.range.as_ref().map_or(0, |range| range.start);
    let mut fields = Vec::new();
    for node in &tree.children {
        add(node, base, &mut fields);
    }
    Card {
        title: title.to_owned(),
        frame: message.frame,
        highlight: Highlight::of(message),
        fields,
    }
}

fn add(node: &Node, base: usize, fields: &mut Vec<(String, String, Highlight)>) {
    let range = node.range.as_ref().map(|range| {
        let (start, end) = (
            range.start.saturating_sub(base),
            range.end.saturating_sub(base),
        );
        match end - start {
            0 | 1 => format!("{start}"),
            _ => format!("{start}-{}", end - 1),
        }
    });
    if let Some(range) = range {
        fields.push((range, node.text.clone(), node.highlight));
    } else if node.highlight != Highlight::Plain {
        fields.push((String::new(), node.text.clone(), node.highlight));
    }
    for child in &node.children {
        add(child, base, fields);
    }
}

/// An exchange from near by.
pub fn preview(
    material: &Material,
    looks: Looks,
    exchange: u64,
    stop: &Stop,
) -> Result<Preview, String> {
    let entry = material.shared.read().exchange(exchange);
    let entry = entry.ok_or("the exchange is not kept any more")?;
    let [request, response] = entry.frames;
    let (first, last) = (
        request.or(response).unwrap_or_default(),
        response.or(request).unwrap_or_default(),
    );
    let (first, last) = (first.min(last), first.max(last));
    let near = Near {
        steps: steps_of(material, looks, entry.stream),
        frames: entry.frames,
        last,
        show_passwords: looks.show_passwords,
        cards: Vec::new(),
    };
    let mut near = Holding::of_messages(near);
    let choice = Choice::Around(vec![first, last], last.saturating_add(64));
    again(material, choice, &mut near, stop)?;
    let mut near = near.into_inner();
    let is_first = |card: &Card| Some(card.frame) != request;
    near.cards.sort_by_key(is_first);
    let mut steps: Vec<Step> = near.steps.all.into();
    steps.retain(|step| step.frame >= first && step.frame <= last);
    Ok(Preview {
        exchange,
        steps,
        cards: near.cards,
    })
}
