//! One TLS connection: bytes of both directions in, records and what they hold out.

use std::mem::{Discriminant, discriminant};

use smallvec::SmallVec;

use super::cipher::{Opened, knows_version};
use super::decryptor::Decryptor;
use super::direction::{Direction, Item, Keys, Phase, Waiting};
use super::framing::{Found, Framing, Missed};
use super::handshake::{Body, ClientHello, Handshake, HandshakeType, ServerHello, is_plausible};
use super::keylog::{Label, Random};
use super::plan::Attempt;
use super::problem::Problem;
use super::record::{ContentType, HEADER_LEN, Header, Version};
use super::resumption::Name;
use super::schedule::updated;
use super::suite::{CipherSuite, Protection};
use super::{Event, Protected, Record};
use crate::stream::Side;

/// Records in a row that cannot be opened before no more are tried.
const MAX_FAILURES: u32 = 8;

/// Records of 0-RTT data, whose secret is not known, that are passed over.
const MAX_EARLY: u32 = 4096;

/// Bytes that are tried in vain behind one gap, and in all of one direction.
const MAX_TRIED_AT_ONCE: usize = 16 << 20;
const MAX_TRIED: usize = 64 << 20;

/// What a try costs besides the record's bytes, in bytes.
const TRY: usize = 256;

/// What an end of the connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Client,
    Server,
}

/// Takes what is found.
type Sink<'a> = &'a mut dyn FnMut(Event<'_>);

/// What both directions share.
pub(super) struct State {
    pub(super) directions: [Direction; 2],
    /// Which direction is the client's, as the handshake tells.
    client_is: Option<usize>,
    /// Which one is where the handshake does not tell.
    pub(super) likely_client: usize,
    pub(super) client: Option<ClientHello>,
    pub(super) server: Option<ServerHello>,
    /// The server's wish for another ClientHello.
    retry: Option<ServerHello>,
    /// The connection's name in key logs: from its ClientHello, or where a secret was found to fit.
    random: Option<Random>,
    /// The protection that was found to fit where no ServerHello tells it.
    pub(super) found: Option<Protection>,
    /// Whether 0-RTT data may come.
    early_data: bool,
    /// Whether the server proved who it is: the session is not resumed.
    full_handshake: bool,
    /// A ticket of TLS 1.2 that the server gave.
    ticket: Option<Vec<u8>>,
    key_updates: u32,
    /// Nothing more comes.
    finishing: bool,
    told: SmallVec<[Discriminant<Problem>; 2]>,
    waiting: usize,
    let_go: u64,
    records: u64,
}

/// One TLS connection.
pub struct Session {
    framing: [Framing; 2],
    state: State,
}

const fn index(side: Side) -> usize {
    match side {
        Side::A => 0,
        Side::B => 1,
    }
}

const fn side(index: usize) -> Side {
    match index {
        0 => Side::A,
        _ => Side::B,
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("version", &self.version())
            .field("suite", &self.suite())
            .finish_non_exhaustive()
    }
}

impl Session {
    /// A connection. `from_start` says for each side whether its first byte is captured;
    /// `likely_client` is who probably opened the connection, for where the handshake was not
    /// captured.
    #[must_use]
    pub fn new(from_start: [bool; 2], likely_client: Side) -> Self {
        let midway = |from_start: bool| Direction {
            missed: (!from_start).then_some(Missed {
                least: 0,
                most: u64::MAX,
                from: 0,
            }),
            ..Direction::default()
        };
        Self {
            framing: from_start.map(Framing::new),
            state: State {
                directions: from_start.map(midway),
                client_is: None,
                likely_client: index(likely_client),
                client: None,
                server: None,
                retry: None,
                random: None,
                found: None,
                early_data: false,
                full_handshake: false,
                ticket: None,
                key_updates: 0,
                finishing: false,
                told: SmallVec::new(),
                waiting: 0,
                let_go: 0,
                records: 0,
            },
        }
    }

    /// Takes the bytes that a side sent next.
    pub fn push(&mut self, all: &mut Decryptor, from: Side, mut bytes: &[u8], sink: Sink<'_>) {
        let at = index(from);
        self.state.drain(all, sink);
        while let Some(found) = self.framing[at].take(&mut bytes) {
            match found {
                Found::NotTls(start) => {
                    let direction = &mut self.state.directions[at];
                    if direction.missed.is_none() {
                        self.state.tell(at, Problem::NotTls { at: start }, sink);
                    }
                    self.state.gap(
                        at,
                        Missed {
                            least: 0,
                            most: u64::MAX,
                            from: start,
                        },
                    );
                }
                Found::Record(start) => {
                    if let Some((header, body)) = self.framing[at].record() {
                        self.state.record(all, at, start, header, body, sink);
                    }
                }
            }
        }
        self.state.drain(all, sink);
    }

    /// Takes that so many bytes which a side sent next were never captured.
    pub fn gap(&mut self, all: &mut Decryptor, from: Side, bytes: u64, sink: Sink<'_>) {
        let at = index(from);
        if let Some(missed) = self.framing[at].gap(bytes) {
            self.state.gap(at, missed);
        }
        // The other side may have waited for what does not come.
        self.state.drain(all, sink);
    }

    /// Tries what waits again: secrets were added.
    pub fn keys_came(&mut self, all: &mut Decryptor, sink: Sink<'_>) {
        self.state.drain(all, sink);
    }

    /// Takes that a side sends no more. After both have ended nothing waits any longer.
    pub fn ended(&mut self, all: &mut Decryptor, from: Side, sink: Sink<'_>) {
        self.state.directions[index(from)].ended = true;
        self.state.drain(all, sink);
        if self
            .state
            .directions
            .iter()
            .all(|direction| direction.ended)
        {
            self.state.finish(all, sink);
        }
    }

    /// Whether records wait for secrets.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.state.waiting > 0
    }

    /// Whether records were let go because too many waited for secrets.
    #[must_use]
    pub fn let_some_go(&self) -> bool {
        self.state.let_go > 0
    }

    /// Offset in a side's bytes of the first one that what is still to be given can refer to.
    #[must_use]
    pub fn needed_from(&self, from: Side) -> u64 {
        let at = index(from);
        let held = self.framing[at].needed_from();
        let direction = &self.state.directions[at];
        let waiting = direction.queue.front().map(|item| match item {
            Item::Record(record) => record.at,
            Item::Gap(missed) => missed.from,
        });
        waiting.map_or(held, |waiting| waiting.min(held))
    }

    /// The version, once the server has chosen one.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        self.state.version()
    }

    /// The cipher suite, once the server has chosen one.
    #[must_use]
    pub fn suite(&self) -> Option<CipherSuite> {
        self.state.suite()
    }

    /// The name of the server that the client asked for.
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.state.client.as_ref()?.server_name.as_deref()
    }

    /// The connection's name in key logs.
    #[must_use]
    pub fn random(&self) -> Option<&Random> {
        self.state.random()
    }

    /// Whether the connection resumes a session; `None` while that is not known.
    #[must_use]
    pub fn resumed(&self) -> Option<bool> {
        let state = &self.state;
        let server = state.server.as_ref()?;
        if server.chosen_version() >= Version::TLS13 {
            return Some(server.pre_shared_key);
        }
        if state.full_handshake {
            return Some(false);
        }
        let server = state
            .client_is
            .map(|client| &state.directions[1 - client])?;
        (server.change_cipher_spec || server.phase == Phase::Master).then_some(true)
    }

    /// Key updates of both sides so far.
    #[must_use]
    pub fn key_updates(&self) -> u32 {
        self.state.key_updates
    }

    /// Why records wait or are not decrypted, where some are not.
    #[must_use]
    pub fn problem(&self, all: &Decryptor) -> Option<Problem> {
        (0..2).find_map(|at| self.state.reason(all, at))
    }
}

impl State {
    pub(super) fn version(&self) -> Option<Version> {
        let server = self.server.as_ref().or(self.retry.as_ref());
        server
            .map(ServerHello::chosen_version)
            .or(self.found.map(|found| {
                if found.tls13 {
                    Version::TLS13
                } else {
                    Version::TLS12
                }
            }))
    }

    pub(super) fn suite(&self) -> Option<CipherSuite> {
        let server = self.server.as_ref().or(self.retry.as_ref());
        server.map(|server| server.suite)
    }

    pub(super) const fn random(&self) -> Option<&Random> {
        self.random.as_ref()
    }

    pub(super) const fn early_data(&self) -> bool {
        self.early_data
    }

    pub(super) fn role(&self, at: usize) -> Option<Role> {
        let client = self.client_is?;
        Some(if client == at {
            Role::Client
        } else {
            Role::Server
        })
    }

    pub(super) fn is_client(&self, at: usize) -> bool {
        self.client_is.unwrap_or(self.likely_client) == at
    }

    /// Whether the server's hello may still come, where direction `at` needs what it says.
    pub(super) fn server_may_come(&self, at: usize) -> bool {
        let other = &self.directions[1 - at];
        self.server.is_none()
            && self.role(at) == Some(Role::Client)
            && other.missed.is_none()
            && other.phase == Phase::Clear
            && !other.ended
            && !self.finishing
    }

    /// Says something once a connection.
    fn tell(&mut self, at: usize, problem: Problem, sink: Sink<'_>) {
        let kind = discriminant(&problem);
        if !self.told.contains(&kind) {
            self.told.push(kind);
            sink(Event::Problem {
                from: side(at),
                problem,
            });
        }
    }

    /// Takes a record, or has it wait.
    fn record(
        &mut self,
        all: &mut Decryptor,
        at: usize,
        start: u64,
        header: Header,
        body: &mut [u8],
        sink: Sink<'_>,
    ) {
        self.records += 1;
        let is_next = self.directions[at].queue.is_empty();
        if is_next && self.take(all, at, start, header, body, false, sink).is_ok() {
            return;
        }
        sink(Event::Record(Record {
            protected: Protected::Waiting,
            ..Record::sealed(side(at), start, header)
        }));
        let waiting = Waiting {
            at: start,
            header,
            body: body.to_vec(),
            order: self.records,
        };
        self.waiting += waiting.memory();
        all.waiting += waiting.memory();
        self.directions[at].queue.push_back(Item::Record(waiting));
        let limits = all.limits;
        while self.waiting > limits.connection || (all.waiting > limits.all && self.waiting > 0) {
            self.let_oldest_go(all);
        }
    }

    /// Lets the oldest record go of the direction where more wait.
    fn let_oldest_go(&mut self, all: &mut Decryptor) {
        let [a, b] = &self.directions;
        let at = usize::from(b.waiting() > a.waiting());
        let queue = &mut self.directions[at].queue;
        let mut missed = None::<Missed>;
        while let Some(item) = queue.pop_front() {
            let (this, memory) = match &item {
                Item::Record(record) => (record.missed(), record.memory()),
                Item::Gap(gap) => (*gap, 0),
            };
            missed = Some(missed.map_or(this, |before| before.and(this)));
            self.waiting -= memory;
            all.waiting -= memory;
            if let Item::Record(record) = item {
                let bytes = record.header.record_len() as u64;
                self.let_go += bytes;
                all.let_go += bytes;
                break;
            }
        }
        if let Some(missed) = missed {
            queue.push_front(Item::Gap(missed));
        }
    }

    fn gap(&mut self, at: usize, missed: Missed) {
        let direction = &mut self.directions[at];
        if direction.queue.is_empty() {
            direction.miss(missed);
        } else {
            direction.queue.push_back(Item::Gap(missed));
        }
    }

    /// Takes what waits, as far as that is possible now, in the order in which it came.
    fn drain(&mut self, all: &mut Decryptor, sink: Sink<'_>) {
        'again: loop {
            let first = self.directions.each_ref().map(Direction::first_waiting);
            let order = match first {
                [None, None] => return,
                [Some(a), Some(b)] if b < a => [1, 0],
                [None, _] => [1, 0],
                _ => [0, 1],
            };
            for at in order {
                if first[at].is_some() && self.take_first(all, at, sink) {
                    continue 'again;
                }
            }
            return;
        }
    }

    /// Takes the first that waits of a direction; whether that was possible.
    fn take_first(&mut self, all: &mut Decryptor, at: usize, sink: Sink<'_>) -> bool {
        match self.directions[at].queue.pop_front() {
            None => false,
            Some(Item::Gap(missed)) => {
                self.directions[at].miss(missed);
                true
            }
            Some(Item::Record(mut record)) => {
                let (start, header) = (record.at, record.header);
                let taken = self.take(all, at, start, header, &mut record.body, true, sink);
                if taken.is_ok() {
                    self.waiting -= record.memory();
                    all.waiting -= record.memory();
                } else {
                    self.directions[at].queue.push_front(Item::Record(record));
                }
                taken.is_ok()
            }
        }
    }

    /// Nothing more comes: what still waits is not decrypted.
    fn finish(&mut self, all: &mut Decryptor, sink: Sink<'_>) {
        self.finishing = true;
        self.drain(all, sink);
        for at in 0..2 {
            if let Some(problem) = self.reason(all, at) {
                self.tell(at, problem, sink);
            }
            self.directions[at].queue.clear();
        }
        if self.let_go > 0 {
            let bytes = self.let_go;
            self.tell(0, Problem::TooManyWait { bytes }, sink);
        }
        all.waiting -= self.waiting;
        self.waiting = 0;
    }

    /// Why the first record of a direction waits.
    fn reason(&self, all: &Decryptor, at: usize) -> Option<Problem> {
        let Some(Item::Record(record)) = self.directions[at].queue.front() else {
            return None;
        };
        match self.protection(at, record.header, &record.body) {
            Err(problem) => Some(problem),
            Ok(_) => self.plan(all, at, record.header).wait,
        }
    }

    /// Whether a record is protected; an error is what has to come before that is known.
    fn protection(&self, at: usize, header: Header, body: &[u8]) -> Result<bool, Problem> {
        let direction = &self.directions[at];
        let content = header.content;
        Ok(match direction.phase {
            Phase::Master => true,
            Phase::Early | Phase::Handshake | Phase::Traffic => {
                content == ContentType::APPLICATION_DATA
            }
            Phase::Clear => match content {
                ContentType::APPLICATION_DATA => true,
                ContentType::HANDSHAKE | ContentType::ALERT => {
                    let plausible = match content {
                        ContentType::ALERT => body.len() == 2,
                        _ => is_plausible(body) || direction.assembler.is_inside(),
                    };
                    match self.version() {
                        Some(Version::TLS13) => false,
                        _ if direction.missed.is_some() => !plausible,
                        _ if !direction.change_cipher_spec => false,
                        Some(_) => true,
                        None if self.server_may_come(at) => return Err(Problem::NoServerHello),
                        None => !plausible,
                    }
                }
                _ => false,
            },
        })
    }

    /// Takes a record whose turn it is; an error is what it has to wait for, and leaves the body as
    /// it is.
    #[expect(clippy::too_many_arguments, reason = "a record, and what surrounds it")]
    fn take(
        &mut self,
        all: &mut Decryptor,
        at: usize,
        start: u64,
        header: Header,
        body: &mut [u8],
        repeated: bool,
        sink: Sink<'_>,
    ) -> Result<(), Problem> {
        let record = Record {
            repeated,
            ..Record::sealed(side(at), start, header)
        };
        if !self.protection(at, header, body)? {
            let direction = &mut self.directions[at];
            if header.content == ContentType::CHANGE_CIPHER_SPEC {
                direction.change_cipher_spec = true;
            } else if direction.phase == Phase::Clear && direction.missed.take().is_some() {
                direction.assembler.clear();
            }
            let record = Record {
                protected: Protected::No,
                text: body,
                text_at: start + HEADER_LEN as u64,
                ..record
            };
            self.content(all, at, record, sink);
            return Ok(());
        }
        if self.directions[at].given_up {
            sink(Event::Record(record));
            return Ok(());
        }
        if let Some(problem) = self.hopeless() {
            self.directions[at].given_up = true;
            self.tell(at, problem, sink);
            sink(Event::Record(record));
            return Ok(());
        }
        let opened = self.open(all, at, start, header, body, sink)?;
        let Some(opened) = opened else {
            sink(Event::Record(record));
            return Ok(());
        };
        let record = Record {
            protected: Protected::Opened,
            content: opened.content,
            text_at: start + (HEADER_LEN + opened.at.start) as u64,
            text: &body[opened.at],
            ..record
        };
        self.content(all, at, record, sink);
        Ok(())
    }

    /// What makes decrypting impossible whatever secrets come.
    fn hopeless(&self) -> Option<Problem> {
        let version = self.version()?;
        if !knows_version(version) {
            return Some(Problem::Version(version));
        }
        let suite = self.suite()?;
        let fits = suite
            .protection()
            .is_some_and(|found| found.tls13 == (version == Version::TLS13));
        (!fits).then_some(Problem::Suite(suite))
    }

    /// Opens a protected record in place. `None` where it is passed over unopened.
    fn open(
        &mut self,
        all: &mut Decryptor,
        at: usize,
        start: u64,
        header: Header,
        body: &mut [u8],
        sink: Sink<'_>,
    ) -> Result<Option<Opened>, Problem> {
        let direction = &mut self.directions[at];
        if direction.missed.is_none()
            && direction.phase != Phase::Early
            && let Some(keys) = &mut direction.keys
        {
            let opened = keys.opener.open(header, body, keys.sequence);
            keys.sequence += 1;
            if opened.is_some() {
                direction.failures = 0;
                return Ok(opened);
            }
            let lost = body.len().saturating_sub(keys.opener.overhead());
            direction.failures += 1;
            direction.given_up = direction.failures >= MAX_FAILURES;
            self.tell(at, Problem::BadTag { at: start }, sink);
            sink(Event::Lost {
                from: side(at),
                at: start,
                bytes: lost as u64,
            });
            return Ok(None);
        }
        let next = self.directions[at].keys.as_ref().map(|keys| keys.sequence);
        let plan = self.plan(all, at, header);
        let mut tried = 0;
        let found = plan.attempts.into_iter().find_map(|attempt| {
            let found = self.attempt(all, at, header, body, &attempt, &mut tried);
            found.map(|found| (attempt, found))
        });
        if let Some((attempt, (keys, opened))) = found {
            self.adopt(all, at, start, &attempt, keys, next, sink);
            return Ok(Some(opened));
        }
        if let Some(problem) = plan.wait {
            return Err(problem);
        }
        self.not_opened(all, at, start, body.len(), tried, sink);
        Ok(None)
    }

    /// Tries to open a record as an attempt says; gives the keys that it was opened with. The body
    /// is what it was where it could not be opened.
    fn attempt(
        &mut self,
        all: &mut Decryptor,
        at: usize,
        header: Header,
        body: &mut [u8],
        attempt: &Attempt,
        tried: &mut usize,
    ) -> Option<(Option<Keys>, Opened)> {
        let made = self.opener(attempt);
        let current = self.directions[at].keys.as_mut();
        let opener = match (&made, &current) {
            (Some(made), _) => made,
            (None, Some(keys)) if attempt.secret.is_none() => &keys.opener,
            _ => return None,
        };
        let scratch = &mut all.scratch.0;
        for sequence in attempt.sequences.iter().cloned().flatten() {
            if *tried > MAX_TRIED_AT_ONCE {
                return None;
            }
            scratch.clear();
            scratch.extend_from_slice(body);
            let Some(found) = opener.open(header, scratch, sequence) else {
                *tried += TRY + body.len();
                continue;
            };
            body.copy_from_slice(scratch);
            let secret = attempt.secret.clone();
            let keys = made.zip(secret).map(|(opener, secret)| Keys {
                opener,
                sequence: sequence + 1,
                secret,
                protection: attempt.protection,
            });
            if keys.is_none()
                && let Some(current) = current
            {
                current.sequence = sequence + 1;
            }
            return Some((keys, found));
        }
        None
    }

    /// Goes on with the keys that a record was opened with. `next` is the sequence number that the
    /// keys before were at.
    #[expect(
        clippy::too_many_arguments,
        reason = "a record, its keys, and those before"
    )]
    fn adopt(
        &mut self,
        all: &mut Decryptor,
        at: usize,
        start: u64,
        attempt: &Attempt,
        keys: Option<Keys>,
        next: Option<u64>,
        sink: Sink<'_>,
    ) {
        let direction = &mut self.directions[at];
        let under_same_keys = next.filter(|_| keys.is_none());
        direction.phase = attempt.phase;
        if let Some(keys) = keys {
            direction.keys = Some(keys);
        }
        (direction.failures, direction.tried) = (0, 0);
        let missed = direction.missed.take();
        if missed.is_some() {
            direction.assembler.clear();
        }
        let Some(keys) = &direction.keys else { return };
        if let Some(missed) = missed.filter(|missed| missed.most < u64::MAX) {
            // Everything but the content of the records that were missed.
            let records = match under_same_keys {
                Some(next) => keys.sequence - 1 - next,
                None => keys.sequence,
            };
            let around = records * (HEADER_LEN + keys.opener.overhead()) as u64;
            let bytes = (start - missed.from).saturating_sub(around);
            sink(Event::Lost {
                from: side(at),
                at: missed.from,
                bytes,
            });
        }
        if attempt.phase == Phase::Master {
            let names = [
                self.server
                    .as_ref()
                    .map(|server| Name::Id(&server.session_id)),
                self.ticket.as_deref().map(Name::Ticket),
            ];
            for name in names.into_iter().flatten() {
                all.sessions.remember(name, &keys.secret);
            }
        }
        if self.random.is_none() {
            self.random = attempt.random;
        }
        if self.client_is.is_none() {
            self.client_is = Some(if attempt.of_client { at } else { 1 - at });
        }
        if self.server.is_none() && attempt.phase != Phase::Early {
            self.found = Some(attempt.protection);
        }
    }

    /// A record could not be opened with anything that there is.
    fn not_opened(
        &mut self,
        all: &Decryptor,
        at: usize,
        start: u64,
        len: usize,
        tried: usize,
        sink: Sink<'_>,
    ) {
        let direction = &mut self.directions[at];
        if let Some(missed) = direction.missed {
            direction.miss(Missed::one(start));
            direction.tried += tried;
            if direction.tried > MAX_TRIED {
                direction.given_up = true;
                let problem = match self.random {
                    Some(_) => Problem::OutOfStep { at: missed.from },
                    None => Problem::NoHandshake,
                };
                self.tell(at, problem, sink);
            }
            return;
        }
        let early = Label::ClientEarlyTrafficSecret;
        let passes = self.early_data
            && self.is_client(at)
            && matches!(self.directions[at].phase, Phase::Clear | Phase::Handshake)
            && self.directions[at].failures < MAX_EARLY
            && self
                .random()
                .is_none_or(|random| all.keys.secrets(random, early).next().is_none());
        if passes {
            self.directions[at].failures += 1;
            self.tell(at, Problem::NoEarlySecret, sink);
            sink(Event::Lost {
                from: side(at),
                at: start,
                bytes: len as u64,
            });
            return;
        }
        self.directions[at].given_up = true;
        self.tell(at, Problem::WrongKeys { at: start }, sink);
    }

    /// Gives a record whose content is known, and heeds what it says.
    fn content(&mut self, all: &mut Decryptor, at: usize, record: Record<'_>, sink: Sink<'_>) {
        let mut messages = Vec::new();
        if record.content == ContentType::HANDSHAKE {
            let assembler = &mut self.directions[at].assembler;
            assembler.push(record.text, &mut messages);
        }
        let opened = record.protected == Protected::Opened;
        sink(Event::Record(Record {
            messages: &messages,
            ..record
        }));
        for message in messages {
            self.message(all, at, message, sink);
        }
        // TLS 1.2: what follows stands under the secrets negotiated within the connection.
        if opened && record.content == ContentType::CHANGE_CIPHER_SPEC {
            self.directions[at].begin(Phase::Master);
        }
    }

    /// Heeds a handshake message.
    fn message(&mut self, all: &mut Decryptor, at: usize, message: Handshake, sink: Sink<'_>) {
        let phase = self.directions[at].phase;
        match (message.kind, message.body) {
            (_, Body::ClientHello(hello)) => {
                if phase == Phase::Master {
                    self.tell(at, Problem::Renegotiated, sink);
                    self.server = None;
                    self.full_handshake = false;
                    self.ticket = None;
                }
                self.client_is = Some(at);
                self.random = Some(hello.random);
                self.early_data |= hello.early_data;
                self.client = Some(*hello);
            }
            (_, Body::ServerHello(hello)) => {
                self.client_is = Some(1 - at);
                if hello.is_retry() {
                    self.retry = Some(*hello);
                    return;
                }
                if hello.chosen_version() == Version::TLS13 {
                    self.directions[at].begin(Phase::Handshake);
                }
                self.server = Some(*hello);
            }
            (_, Body::NewSessionTicket(ticket)) if self.version() == Some(Version::TLS12) => {
                self.ticket = Some(ticket);
            }
            (HandshakeType::CERTIFICATE | HandshakeType::SERVER_HELLO_DONE, _) => {
                self.full_handshake = true;
            }
            (HandshakeType::END_OF_EARLY_DATA, _) if phase == Phase::Early => {
                self.directions[at].begin(Phase::Handshake);
            }
            (HandshakeType::FINISHED, _) if phase == Phase::Handshake => {
                self.directions[at].begin(Phase::Traffic);
            }
            (HandshakeType::FINISHED, _) if phase == Phase::Master => {
                // The ticket came before, and the secret is proved right now.
                if let (Some(ticket), Some(keys)) = (&self.ticket, &self.directions[at].keys) {
                    all.sessions.remember(Name::Ticket(ticket), &keys.secret);
                }
            }
            (HandshakeType::KEY_UPDATE, _) if phase == Phase::Traffic => self.key_update(at),
            _ => {}
        }
    }

    fn key_update(&mut self, at: usize) {
        let Some(keys) = &mut self.directions[at].keys else {
            return;
        };
        let Some(secret) = updated(&keys.secret, keys.protection.hash) else {
            return;
        };
        if let Some(opener) = super::cipher::Opener::tls13(&secret, keys.protection) {
            let sequence = 0;
            *keys = Keys {
                opener,
                sequence,
                secret,
                ..*keys
            };
            self.key_updates += 1;
        }
    }
}
