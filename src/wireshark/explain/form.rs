//! The output form of explanations: a block of lines for each message.

use std::fmt::Write as _;

use super::{Model, explain, words};
use crate::dissect::Message;
use crate::filter::Needs;
use crate::output::forms::{Chosen, FormEntry, Waits, driven};
use crate::output::{Context, Form, MessageTiming, Rows, hand_over, info};
use crate::session::FrameRecord;
use crate::text::escape::Escaped;

/// The form of `--explain`.
pub static FORM: FormEntry = FormEntry {
    name: "explain",
    meaning: "For each message, what Wireshark says of it without the plugin, and why",
    for_people: true,
    is_binary: false,
    rows: Rows::Watched,
    waits: Waits::No,
    needs: Needs::NOTHING,
    fields: Chosen::Nothing,
    is_array: false,
    make: |options, out| driven(Explained::default(), &options, out),
};

/// Writes each message with its explanation.
#[derive(Debug, Default)]
pub struct Explained {
    model: Model,
    text: String,
    begun: bool,
}

impl Form for Explained {
    fn see(&mut self, record: &FrameRecord<'_>) {
        self.model.record(record);
    }

    fn message(
        &mut self,
        out: &mut Vec<u8>,
        message: &Message,
        told: MessageTiming<'_>,
        context: &Context,
    ) {
        // Only RegLogin has a model of what Wireshark shows.
        if message.described.is_some() {
            return;
        }
        let shows = context.show_passwords;
        if std::mem::replace(&mut self.begun, true) {
            self.text.push('\n');
        }
        self.text.push_str("Frame ");
        self.text.push_str(&message.frame.to_string());
        if let Some(file) = context.origin.told_of(message.stream, told.record()) {
            let _ = write!(self.text, " of {}", Escaped(file));
        }
        self.text.push_str(": ");
        info::message(&mut self.text, message, shows);
        self.text.push('\n');
        let explanation = explain(&self.model, message);
        words::write(&mut self.text, message, &explanation, shows);
        hand_over(&mut self.text, out);
    }
}
