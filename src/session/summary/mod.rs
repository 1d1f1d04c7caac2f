//! Summary statistics of a capture: counts, times, users, addresses, connections and findings.
//!
//! Memory is bounded, however long the capture is. What exceeds a limit is counted together, and [`Summary::limits`]
//! says so.

mod capped;
mod clean;
mod conversations;
mod counts;
mod described;
mod findings;
mod frames;
mod logins;
mod mistakes;
mod rate;
mod rows;
mod selection;
mod slow;
#[cfg(test)]
mod tests;
mod times;
mod top;
mod window;

use std::net::IpAddr;

use arrayvec::ArrayVec;

use self::frames::Together;
pub use capped::Capped;
pub use conversations::{Conversations, KEPT_CONVERSATIONS};
pub use counts::{ACTIONS, Address, Counts, Tally, User};
pub use described::DescribedCounts;
pub use findings::{
    FINDINGS_PER_KIND, Finding, FindingKind, GUESS_SPAN, GUESSES_PER_ADDRESS, GUESSES_PER_USER,
    NAMES_PER_PASSWORD, PROBED_NAMES, SLOW_FACTOR, SLOW_FLOOR, SPRAYED_NAMES, Thresholds,
};
pub use frames::FrameCounts;
pub use rate::{BARS, Bar, Rate};
pub use rows::{ExchangeRow, RowCounts};
pub use slow::UnansweredRequests;
pub use times::{EXACT_TIMES, Quantiles, Times};
pub use top::{top_addresses, top_users};

use self::capped::Lookup;
use self::clean::CleanTally;
use self::counts::index;
use self::logins::Logins;
use self::mistakes::Mistakes;
use self::selection::Selection;
use self::slow::Slowest;
use super::{
    CleanMessage, FlowEnd, FrameRecord, GivenUp, Inspected, Name, Remainder, Resolution, Subject,
};
use crate::capture::Batch;
use crate::dissect::{Group, Message, Note, Protocol, Severity};
use crate::layout::{LayoutId, Said};
use crate::protocol::layout::{STATUS_FAILURE, STATUS_SUCCESS};
use crate::protocol::{Action, Command, MessageKind};

/// Most user names, and most client addresses, that are counted one by one.
pub const KEPT_NAMES: usize = 1 << 16;
/// Requests that are counted together.
const PREFETCHED: usize = 32;
/// The protocols that streams are counted by.
pub const PROTOCOLS: [Protocol; Protocol::COUNTED.len()] = Protocol::COUNTED;
/// The types that messages are counted by: the four commands, and all others together.
pub const MESSAGE_TYPES: [Command; 5] = [
    Command::RegistrationRequest,
    Command::RegistrationResponse,
    Command::LoginRequest,
    Command::LoginResponse,
    Command::Unknown(0),
];

/// Index of a command in [`MESSAGE_TYPES`].
const fn message_type(command: Command) -> usize {
    match command {
        Command::RegistrationRequest => 0,
        Command::RegistrationResponse => 1,
        Command::LoginRequest => 2,
        Command::LoginResponse => 3,
        Command::Unknown(_) => 4,
    }
}

/// Responses to one kind of request, by their status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcomes {
    /// Status 1.
    pub success: u64,
    /// Status 0.
    pub failure: u64,
    /// Any other status, or none because the response is cut off.
    pub unclear: u64,
}

/// All counts of a capture.
#[derive(Debug)]
pub struct Summary {
    /// Counts of frames.
    pub frames: FrameCounts,
    /// TCP connections.
    pub streams: u64,
    /// Frames and messages over time.
    pub rate: Rate,
    /// Messages by type, as in [`MESSAGE_TYPES`].
    pub messages: [u64; MESSAGE_TYPES.len()],
    /// Responses by status, for each action of [`ACTIONS`].
    pub outcomes: [Outcomes; 2],
    /// Times from request to response, for each action of [`ACTIONS`].
    pub times: [Times; 2],
    /// Requests by user name.
    pub users: Capped<Name, User>,
    /// Requests by the client's address.
    pub addresses: Capped<IpAddr, Address>,
    /// The connections with the most bytes.
    pub conversations: Conversations,
    /// Streams by protocol, for each of [`PROTOCOLS`].
    pub protocols: [u64; PROTOCOLS.len()],
    /// Counts of layouts' protocols, one entry for each.
    pub described: Vec<DescribedCounts>,
    /// RegLogin requests without a response.
    pub unanswered: UnansweredRequests,
    /// Counts of rows, if rows are counted instead of frames.
    pub rows: Option<RowCounts>,
    /// Whether a signal ended the counting before the end of the capture.
    pub interrupted: bool,
    /// What was given up because a limit was reached.
    pub given_up: GivenUp,
    notes: [[u64; Group::ALL.len()]; Severity::ALL.len()],
    slowest: [Slowest; 2],
    logins: Logins,
    mistakes: Mistakes,
    selection: Option<Selection>,
}

impl Default for Summary {
    fn default() -> Self {
        Self::new(Thresholds::default())
    }
}

impl Summary {
    /// A summary without counts.
    #[must_use]
    pub fn new(thresholds: Thresholds) -> Self {
        Self {
            frames: FrameCounts::default(),
            streams: 0,
            rate: Rate::default(),
            messages: Default::default(),
            outcomes: Default::default(),
            times: Default::default(),
            users: Capped::new(KEPT_NAMES),
            addresses: Capped::new(KEPT_NAMES),
            conversations: Conversations::default(),
            protocols: Default::default(),
            described: Vec::new(),
            unanswered: UnansweredRequests::default(),
            rows: None,
            interrupted: false,
            given_up: GivenUp::default(),
            notes: Default::default(),
            slowest: Default::default(),
            logins: Logins::new(thresholds),
            mistakes: Mistakes::default(),
            selection: None,
        }
    }

    /// Counts a frame, without its messages.
    #[inline]
    pub fn frame(&mut self, record: &FrameRecord<'_>) {
        self.frames.count(record);
        self.rate
            .frame(record.frame.header.time, record.frame.header.wire);
    }

    /// Counts a frame and everything found with it.
    pub fn record(&mut self, record: &FrameRecord<'_>) {
        self.frame(record);
        if !record.messages.is_empty() {
            self.count_messages(record.messages);
        }
        if !record.resolutions.is_empty() {
            record
                .resolutions
                .iter()
                .for_each(|one| self.resolution(one));
        }
        if !record.notes.is_empty() {
            record.notes.iter().for_each(|noted| self.note(&noted.note));
        }
        if !record.ended_flows.is_empty() {
            self.ended_flows(record.ended_flows);
        }
    }

    /// Counts a batch's frames and everything found with them. The counts are those of [`record`](Self::record) for
    /// each frame.
    pub fn batch(&mut self, batch: &Batch, inspected: &Inspected) {
        if let Some(all) = Together::of(&batch.headers) {
            let without_tcp = inspected.without_tcp();
            self.frames
                .count_all(&all, inspected.watched(), &without_tcp);
            self.rate.frames(&batch.headers, &all);
        }
        for brought in inspected.brought() {
            if !brought.messages.is_empty() {
                self.rate.go_to(batch.headers[brought.frame].time);
                self.count_messages(brought.messages);
            }
            brought
                .notes
                .iter()
                .for_each(|noted| self.note(&noted.note));
            self.ended_flows(brought.ended_flows);
        }
        self.clean_messages(inspected.clean(), batch);
        for together in inspected.resolutions().chunks(PREFETCHED) {
            self.resolutions(together);
        }
        // What the end of the capture brings is counted with the last frame.
        if let Some(last) = batch.headers.last() {
            self.rate.go_to(last.time);
        }
    }

    /// Counts flows that ended.
    pub fn ended_flows(&mut self, flows: &[FlowEnd]) {
        for flow in flows {
            self.flow(flow);
        }
    }

    /// Counts what the end of the capture brings.
    pub fn end(&mut self, remainder: &Remainder<'_>) {
        self.count_messages(remainder.messages);
        remainder
            .resolutions
            .iter()
            .for_each(|one| self.resolution(one));
        remainder
            .notes
            .iter()
            .for_each(|noted| self.note(&noted.note));
        self.ended_flows(remainder.ended_flows);
        self.streams = remainder.totals.streams;
        self.given_up = remainder.given_up;
    }

    /// Streams by protocol. Those of layouts follow the others.
    pub fn all_protocols(&self) -> impl Iterator<Item = (Protocol, u64)> {
        let known = PROTOCOLS.into_iter().zip(self.protocols);
        let described = self.described.iter();
        known.chain(described.map(|counts| (Protocol::Layout(counts.layout), counts.streams)))
    }

    /// Number of notes of a severity, for each group of [`Group::ALL`].
    #[must_use]
    pub const fn notes(&self, severity: Severity) -> [u64; Group::ALL.len()] {
        self.notes[severity as usize]
    }

    /// What an operator should look at, the most serious first.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        findings::find(self).0
    }

    /// What the counts lack, as sentences: limits that were reached, and what the traffic does not show.
    #[must_use]
    pub fn limits(&self) -> Vec<String> {
        let mut limits = Vec::new();
        if self.interrupted {
            limits.push(format!(
                "interrupted after {} frames: what comes behind them is not counted",
                self.frames.frames
            ));
        }
        if self.logins.hide_unknown_users() {
            limits.push(
                "no failed login says that the user is unknown: if the server answers a wrong \
                 name and a wrong password alike, user-name probing cannot be told from guessing"
                    .to_owned(),
            );
        }
        if self.users.others().is_some() {
            limits.push(format!(
                "the first {KEPT_NAMES} user names are counted one by one, further ones together"
            ));
        }
        if self.addresses.others().is_some() {
            limits.push(format!(
                "the first {KEPT_NAMES} client addresses are counted one by one, further ones \
                 together"
            ));
        }
        if self.logins.overflowed() {
            limits.push(
                "so many different names and passwords were tried that findings count too few of \
                 them"
                    .to_owned(),
            );
        }
        limits.extend(self.given_up.sentences());
        limits.extend(self.rows.iter().flat_map(RowCounts::sentences));
        let forgotten = self.selection.as_ref().map_or(0, |some| some.forgotten);
        if forgotten > 0 {
            limits.push(format!(
                "{forgotten} selected requests are counted only where their response is selected \
                 too: there are too many"
            ));
        }
        let negative: u64 = self.times.iter().map(Times::negative).sum();
        if negative > 0 {
            limits.push(format!(
                "{negative} responses are earlier than their requests by the frames' times, which \
                 are those of two clocks, or of one that was set back: response times below 0 tell \
                 nothing of the server"
            ));
        }
        let more = findings::find(self).1;
        if more > 0 {
            limits.push(format!(
                "{more} more findings are not listed: only the {FINDINGS_PER_KIND} largest of a \
                 kind are"
            ));
        }
        limits
    }

    fn count_messages(&mut self, messages: &[Message]) {
        let mut said = [0; 2];
        for message in messages {
            add(&mut said, self.message(message));
        }
        self.rate.messages(messages.len() as u64, said);
    }

    /// Counts a message. Returns the outcome that it states if it is a response.
    fn message(&mut self, message: &Message) -> Option<Said> {
        for note in &message.notes {
            self.note(note);
            if let Note::Fault(fault) = note {
                self.mistakes.add(*fault, note.severity(), message);
            }
        }
        if let Some(described) = &message.described {
            self.of_layout(described.layout).message(described);
            return described.said;
        }
        self.of_command(message.command(), message.view().status())
    }

    /// Counts messages without notes of a batch. Those in one bar are counted together, as all of most batches are.
    fn clean_messages(&mut self, mut messages: &[CleanMessage], batch: &Batch) {
        while let Some((first, others)) = messages.split_first() {
            let time = |message: &CleanMessage| batch.headers[message.frame as usize].time;
            self.rate.go_to(time(first));
            // Not every time is in its bar: the first bar also has all times before it.
            let mut tally = CleanTally::default();
            tally.add(*first);
            let in_bar = others
                .iter()
                .take_while(|one| self.rate.is_in_bar(time(one)));
            for message in in_bar {
                tally.add(*message);
            }
            messages = &messages[tally.messages..];
            self.rate.messages(tally.messages as u64, tally.said());
            for (command, [failure, success, neither]) in tally.counts() {
                self.messages[message_type(command.into())] += failure + success + neither;
                let outcomes = &mut self.outcomes[index(command.action)];
                outcomes.success += success;
                outcomes.failure += failure;
            }
        }
    }

    /// Counts a RegLogin message. Returns the outcome that it states if it is a response.
    fn of_command(&mut self, command: Command, status: Option<u8>) -> Option<Said> {
        self.messages[message_type(command)] += 1;
        let (Some(MessageKind::Response), Some(action)) = (command.kind(), command.action()) else {
            return None;
        };
        let outcomes = &mut self.outcomes[index(action)];
        let (count, said) = match status {
            Some(STATUS_SUCCESS) => (&mut outcomes.success, Said::Success),
            Some(STATUS_FAILURE) => (&mut outcomes.failure, Said::Failure),
            _ => (&mut outcomes.unclear, Said::Unclear),
        };
        *count += 1;
        Some(said)
    }

    fn note(&mut self, note: &Note) {
        // An incomplete message is not worth a note in a summary.
        if matches!(note, Note::Begun { .. }) {
            return;
        }
        self.notes[note.severity() as usize][note.group() as usize] += 1;
    }

    fn flow(&mut self, flow: &FlowEnd) {
        self.conversations.add(flow);
        if let Some(place) = PROTOCOLS.iter().position(|known| *known == flow.protocol) {
            self.protocols[place] += 1;
        }
        if let Protocol::Layout(layout) = flow.protocol {
            self.of_layout(layout).streams += 1;
        }
    }

    /// The counts of a layout, added if needed.
    fn of_layout(&mut self, layout: LayoutId) -> &mut DescribedCounts {
        let known = self.described.iter().position(|own| own.layout == layout);
        let place = known.unwrap_or_else(|| {
            self.described.push(DescribedCounts::new(layout));
            self.described.len() - 1
        });
        &mut self.described[place]
    }

    fn resolution(&mut self, resolution: &Resolution) {
        self.resolutions(std::slice::from_ref(resolution));
    }

    /// Counts at most [`PREFETCHED`] resolutions. What each needs is in other parts of the memory. The processor reads
    /// them at the same time if each step is taken for all.
    fn resolutions(&mut self, together: &[Resolution]) {
        let users = &self.users;
        let asked: ArrayVec<_, PREFETCHED> =
            together.iter().map(|one| users.ask(&one.user)).collect();
        let found: ArrayVec<_, PREFETCHED> = asked
            .into_iter()
            .zip(together)
            .map(|(asked, one)| users.find_asked(asked, &one.user))
            .collect();
        for (resolution, user) in together.iter().zip(found) {
            self.resolution_of(resolution, user);
        }
        self.times.iter_mut().for_each(Times::settle);
    }

    /// Counts a resolution. `user` is where its user is in [`Summary::users`].
    fn resolution_of(&mut self, resolution: &Resolution, user: Lookup) {
        if let Subject::Layout(layout, _) = resolution.subject {
            self.of_layout(layout).resolution(resolution);
        }
        if resolution.response.is_none() {
            self.note(&Note::Unanswered);
        }
        let Some(action) = resolution.action() else {
            return;
        };
        let (user, own_user) = self.users.get_found(user, resolution.user);
        user.add(action, resolution.outcome);
        let (address, own_address) = self.addresses.get(resolution.client.address);
        address.add(action, resolution.outcome);
        let is_reglogin = matches!(resolution.subject, Subject::RegLogin(_));
        let Some(response) = resolution.response else {
            if is_reglogin {
                self.unanswered.add(action, resolution);
            }
            return;
        };
        if is_reglogin {
            self.times[index(action)].add_unsettled(response.elapsed);
            self.slowest[index(action)].add(response.elapsed, resolution);
        }
        if action == Action::Login {
            let user = own_user.then_some(user);
            let address = own_address.then_some(address);
            self.logins
                .answered(resolution, response.frame, user, address);
        }
    }
}

/// Counts a success or a failure.
fn add([successes, failures]: &mut [u64; 2], said: Option<Said>) {
    *successes += u64::from(said == Some(Said::Success));
    *failures += u64::from(said == Some(Said::Failure));
}
