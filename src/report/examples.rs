//! The first message of each RegLogin command, to show how Wireshark reads it.

use crate::dissect::Message;
use crate::protocol::Command;

const COMMANDS: [Command; 4] = [
    Command::RegistrationRequest,
    Command::RegistrationResponse,
    Command::LoginRequest,
    Command::LoginResponse,
];

/// One message a command at most.
#[derive(Debug, Default)]
pub(super) struct Examples {
    found: [Option<Message>; COMMANDS.len()],
    is_full: bool,
}

impl Examples {
    /// Looks at messages.
    pub fn see(&mut self, messages: &[Message]) {
        if self.is_full {
            return;
        }
        for message in messages {
            if message.described.is_some() {
                continue;
            }
            let command = message.command();
            let place = COMMANDS.iter().position(|known| *known == command);
            if let Some(place) = place.map(|at| &mut self.found[at]) {
                place.get_or_insert_with(|| message.clone());
            }
        }
        self.is_full = self.found.iter().all(Option::is_some);
    }

    /// The messages, in order of their frames.
    pub fn messages(&self) -> Vec<&Message> {
        let mut found: Vec<&Message> = self.found.iter().flatten().collect();
        found.sort_by_key(|message| message.frame);
        found
    }
}
