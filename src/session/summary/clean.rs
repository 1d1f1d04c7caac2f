//! Counts of messages without notes, by command and status.

use super::counts::{ACTIONS, index};
use crate::protocol::{KnownCommand, MessageKind};
use crate::session::CleanMessage;

/// Both kinds of messages.
const KINDS: [MessageKind; 2] = [MessageKind::Request, MessageKind::Response];

/// Counts of a few messages.
#[derive(Debug, Default)]
pub(super) struct CleanTally {
    /// For each kind and action: failures, successes, and requests, which say neither.
    counts: [[u64; 3]; KINDS.len() * ACTIONS.len()],
    /// Number of all of them.
    pub messages: usize,
}

impl CleanTally {
    /// Counts a message.
    #[inline]
    pub fn add(&mut self, message: CleanMessage) {
        // Without a branch: which message comes next is random, so a processor cannot foresee it.
        let KnownCommand { kind, action } = message.command;
        let row = usize::from(kind == MessageKind::Response) * ACTIONS.len() + index(action);
        self.counts[row][message.success.map_or(2, usize::from)] += 1;
        self.messages += 1;
    }

    /// For each command, the number of messages that say failure, success, and neither.
    pub fn counts(&self) -> impl Iterator<Item = (KnownCommand, [u64; 3])> {
        let commands = KINDS
            .into_iter()
            .flat_map(|kind| ACTIONS.map(|action| KnownCommand { kind, action }));
        commands.zip(self.counts)
    }

    /// How many responses say success, and how many failure.
    pub fn said(&self) -> [u64; 2] {
        [1, 0].map(|said| self.counts.iter().map(|counts| counts[said]).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Command;

    #[test]
    fn messages_are_counted_by_command_and_status() {
        let mut tally = CleanTally::default();
        for (command, success) in [
            (Command::RegistrationRequest, None),
            (Command::LoginRequest, None),
            (Command::LoginResponse, Some(true)),
            (Command::LoginResponse, Some(false)),
            (Command::LoginResponse, Some(false)),
        ] {
            let command = command.known().unwrap();
            tally.add(CleanMessage {
                frame: 0,
                command,
                success,
            });
        }
        let counts: Vec<_> = tally
            .counts()
            .map(|(command, counts)| (Command::from(command), counts))
            .collect();
        let expected = [
            (Command::RegistrationRequest, [0, 0, 1]),
            (Command::LoginRequest, [0, 0, 1]),
            (Command::RegistrationResponse, [0; 3]),
            (Command::LoginResponse, [2, 1, 0]),
        ];
        assert_eq!(counts, expected);
        assert_eq!((tally.messages, tally.said()), (5, [1, 2]));
    }
}
