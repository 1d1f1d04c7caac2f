//! Plays the scripts of the checks, each on connections of its own.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::cast::Cast;
use super::judge::{self, Came, End};
use super::probe::Probe;
use super::script::{Awaited, ExpectedAnswer, Sent, Step, Then};
use super::table::{Check, checks};
use crate::client::{ClientError, Tls};
use crate::hostport::HostPort;
use crate::protocol::layout::RESPONSE_LEN;

/// Which server is checked, and how.
pub struct Setup {
    /// Its address.
    pub server: HostPort,
    /// TLS settings, if it is to be used.
    pub tls: Option<Tls>,
    /// How long connecting may take, and each answer.
    pub timeout: Duration,
    /// The longest timeout that a server may have.
    pub patience: Duration,
    /// Whether it is meant to answer a wrong name and a wrong password alike.
    pub uniform_failures: bool,
}

/// What was expected at one point of a check, and what was received.
#[derive(Debug)]
pub struct Point {
    /// What was sent since the point before.
    pub sent: Vec<Sent>,
    /// What was awaited.
    pub awaited: Awaited,
    /// What came.
    pub received: Vec<u8>,
    /// How the connection stood then.
    pub end: End,
    /// What is wrong with it.
    pub wrong: Option<String>,
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The server keeps its promise.
    Right,
    /// The server breaks it, and why.
    Wrong(String),
    /// It could not be tested, and why.
    NotTried(String),
}

/// A check that was made.
pub struct Report {
    /// Which.
    pub check: &'static Check,
    /// How it came out.
    pub verdict: Verdict,
    /// What was sent and came, up to the first point that was wrong.
    pub points: Vec<Point>,
}

/// The names of a run that the server knows now.
#[derive(Debug, Default)]
pub struct Names {
    /// Those that it said it registered.
    pub registered: Vec<String>,
    /// Names whose registration got no valid answer.
    pub perhaps: Vec<String>,
}

impl Names {
    fn note(&mut self, points: &[Point]) {
        for point in points {
            let Some(who) = &point.awaited.who else {
                continue;
            };
            let list = if judge::says_success(&point.received) {
                &mut self.registered
            } else if judge::description(&point.received).is_none() {
                &mut self.perhaps
            } else {
                continue;
            };
            if !list.contains(who) {
                list.push(who.clone());
            }
        }
        self.perhaps.retain(|name| !self.registered.contains(name));
    }
}

/// Runs all checks, and passes each report to `each`, in the order of the table. The error means that the server
/// cannot be reached at all.
pub async fn run(setup: Setup, mut each: impl FnMut(&Report)) -> Result<Names, ClientError> {
    let (setup, cast) = (Arc::new(setup), Arc::new(Cast::new()));
    let mut names = Names::default();
    let mut silent = JoinSet::new();
    let mut reached = false;
    let mut gone = false;
    for (index, check) in checks().enumerate() {
        let not_tried = if gone {
            Some("the server cannot be reached any more")
        } else if check.plain_only && setup.tls.is_some() {
            Some("it is about connections without TLS")
        } else if check.needs_alice && !names.registered.contains(&cast.alice().name) {
            Some("it needs a user, and none could be registered")
        } else {
            None
        };
        if let Some(why) = not_tried {
            each(&Report {
                check,
                verdict: Verdict::NotTried(why.into()),
                points: Vec::new(),
            });
            continue;
        }
        if check.silence.is_some() {
            let (setup, cast) = (Arc::clone(&setup), Arc::clone(&cast));
            silent.spawn(async move { (index, make(check, &setup, &cast).await.0) });
            continue;
        }
        let (report, error) = make(check, &setup, &cast).await;
        match error {
            Some(error) if !reached => return Err(error),
            Some(_) => gone = true,
            None => reached = true,
        }
        names.note(&report.points);
        each(&report);
    }
    let mut made = silent.join_all().await;
    made.sort_by_key(|(index, _)| *index);
    for (_, report) in &made {
        each(report);
    }
    Ok(names)
}

/// Makes one check; also why there was no connection for it, where there was none.
async fn make(check: &'static Check, setup: &Setup, cast: &Cast) -> (Report, Option<ClientError>) {
    let mut play = Play {
        check,
        setup,
        start: Instant::now(),
        probes: Vec::new(),
        current: 0,
        points: Vec::new(),
        sent: Vec::new(),
        before: None,
    };
    let error = play.all((check.script)(cast).0).await.err();
    let wrong = play.points.last().and_then(|point| point.wrong.clone());
    let verdict = match (&error, wrong) {
        (Some(error), _) => {
            Verdict::Wrong(format!("{error}; did the check before this one end it?"))
        }
        (None, Some(_)) if play.is_too_early() => {
            let limit = check.silence.unwrap_or_default().as_secs();
            Verdict::NotTried(format!(
                "open after {} s; {limit} s are allowed: see with --patience {}",
                setup.patience.as_secs_f64(),
                limit + 5
            ))
        }
        (None, Some(wrong)) => Verdict::Wrong(wrong),
        (None, None) => Verdict::Right,
    };
    let report = Report {
        check,
        verdict,
        points: play.points,
    };
    (report, error)
}

/// A check being made.
struct Play<'a> {
    check: &'static Check,
    setup: &'a Setup,
    start: Instant,
    probes: Vec<Probe>,
    /// Which connection is used.
    current: usize,
    points: Vec<Point>,
    /// What was sent since the last point.
    sent: Vec<Sent>,
    /// The description of the response before.
    before: Option<String>,
}

impl Play<'_> {
    /// Plays the script, up to the first point that is wrong.
    async fn all(&mut self, script: Vec<Step>) -> Result<(), ClientError> {
        self.connect().await?;
        for step in script {
            match step {
                Step::Send(sent) => self.send(sent).await?,
                Step::Await(awaited) => {
                    self.look(awaited).await;
                    if self
                        .points
                        .last()
                        .is_some_and(|point| point.wrong.is_some())
                    {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    async fn connect(&mut self) -> Result<(), ClientError> {
        self.current = self.probes.len();
        self.probes.push(Probe::open(self.setup).await?);
        Ok(())
    }

    async fn send(&mut self, sent: Sent) -> Result<(), ClientError> {
        let patience = self.setup.patience;
        let probe = &mut self.probes[self.current];
        match &sent {
            Sent::Octets(octets) => probe.send(octets).await,
            Sent::OneByOne(octets) => probe.send_one_by_one(octets).await,
            Sent::Dripping(octets) => probe.drip(octets, patience).await,
            Sent::Pause => Probe::pause().await,
            Sent::HalfClose => probe.half_close().await,
            Sent::HangUp => probe.hang_up(),
            Sent::Connection => self.connect().await?,
            Sent::FirstConnection => self.current = 0,
        }
        self.sent.push(sent);
        Ok(())
    }

    /// Looks at what comes.
    async fn look(&mut self, awaited: Awaited) {
        let (setup, now) = (self.setup, Instant::now());
        let (deadline, waited) = if self.check.silence.is_some() {
            (self.start + setup.patience, setup.patience)
        } else {
            (now + setup.timeout, setup.timeout)
        };
        let probe = &mut self.probes[self.current];
        let judged = |awaited: &Awaited, octets: &[u8], end: End| {
            let came = Came {
                octets,
                end,
                waited,
                before: self.before.as_deref(),
                uniform: setup.uniform_failures,
            };
            judge::wrong(awaited, &came)
        };
        let mut most = usize::MAX;
        if matches!(awaited.what, ExpectedAnswer::Response { .. }) {
            probe.read_response(deadline).await;
            let response = Awaited {
                then: Then::GoesOn,
                ..awaited.clone()
            };
            let message = &probe.received()[..probe.received().len().min(RESPONSE_LEN)];
            if judged(&response, message, probe.end()).is_some() {
                // Nothing that follows can correct it.
                probe.read_rest().await;
            } else {
                match awaited.then {
                    Then::GoesOn => most = RESPONSE_LEN,
                    Then::StaysOpen => probe.settle().await,
                    Then::Ends => probe.read_to_end(deadline, false).await,
                }
            }
        } else {
            let silently = awaited.what == ExpectedAnswer::Nothing;
            probe.read_to_end(deadline, silently).await;
        }
        let received = probe.take(most);
        let end = probe.end();
        let wrong = judged(&awaited, &received, end);
        self.before = judge::description(&received);
        self.points.push(Point {
            sent: std::mem::take(&mut self.sent),
            awaited,
            received,
            end,
            wrong,
        });
    }

    /// Whether the server may still answer: its timeout is allowed to be longer than the time waited.
    fn is_too_early(&self) -> bool {
        let Some((limit, point)) = self.check.silence.zip(self.points.last()) else {
            return false;
        };
        self.setup.patience <= limit && point.received.is_empty() && point.end == End::Open
    }
}
