//! What differs between two messages, or between the messages of two exchanges.

use std::result::Result;

use super::text::messages_of;
use super::{Looks, Material};
use crate::capture::Stop;
use crate::dissect::Message;
use crate::output::{info, message_lines};
use crate::text::secret;
use crate::tui::answer::{Differences, DifferentMessages, Subject};

/// Compares two.
pub fn difference(
    material: &Material,
    looks: Looks,
    subjects: [Subject; 2],
    stop: &Stop,
) -> Result<Differences, String> {
    let mut titles = <[String; 2]>::default();
    let mut all = [const { Vec::new() }; 2];
    for ((subject, title), messages) in subjects.into_iter().zip(&mut titles).zip(&mut all) {
        let (frames, stream, name) = match subject {
            Subject::Frame(frame) => (vec![frame], None, format!("frame {frame}")),
            Subject::Exchange(number) => {
                let entry = material.shared.read().exchange(number);
                let entry = entry.ok_or("one of the two is not kept any more")?;
                let frames = entry.frames.into_iter().flatten().collect();
                (
                    frames,
                    Some(entry.stream),
                    format!("exchange {}", number + 1),
                )
            }
        };
        *title = name;
        *messages = messages_of(material, &frames, stop)?;
        messages.retain(|message: &Message| stream.is_none_or(|stream| message.stream == stream));
        messages.sort_by_key(Message::is_response);
    }
    let [one, other] = all;
    if one.is_empty() || other.is_empty() {
        return Err("one of the two has no message; mark two that have".to_owned());
    }
    let parts = one
        .iter()
        .zip(&other)
        .map(|(one, other)| compare([one, other], looks));
    Ok(Differences {
        titles,
        parts: parts.collect(),
    })
}

fn compare(messages: [&Message; 2], looks: Looks) -> DifferentMessages {
    let shows = looks.show_passwords;
    let titles = messages.map(|message| {
        let mut title = String::new();
        info::summary(&mut title, message, shows);
        title
    });
    let lines = messages.map(|message| message_lines(message, shows));
    let mut fields: Vec<(String, [String; 2], bool)> = Vec::new();
    for (label, value) in &lines[0] {
        let other = lines[1].iter().find(|(known, _)| known == label);
        let other = other.map(|(_, value)| value.clone()).unwrap_or_default();
        let differs = *value != other;
        fields.push((label.to_string(), [value.clone(), other], differs));
    }
    for (label, value) in &lines[1] {
        if lines[0].iter().all(|(known, _)| known != label) {
            fields.push((label.to_string(), [String::new(), value.clone()], true));
        }
    }
    let octets = messages.map(Message::bytes);
    let len = octets[0].len().max(octets[1].len());
    let bytes = messages.map(|message| {
        let clear = secret::clear_of(message, shows);
        let all = message.bytes().iter().enumerate();
        all.map(|(at, octet)| clear.has(at).then_some(*octet))
            .collect::<Vec<_>>()
    });
    let differs = |at: usize| {
        let hidden = bytes.iter().any(|bytes| bytes.get(at) == Some(&None));
        // Whether passwords are the same is a secret too.
        !hidden && octets[0].get(at) != octets[1].get(at)
    };
    DifferentMessages {
        titles,
        fields,
        differs: (0..len).map(differs).collect(),
        bytes,
    }
}
