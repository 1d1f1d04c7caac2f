//! What goes on behind the screen: one thread records, others work out what is asked; and which rows are shown.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::answer::Question;
use super::keys::Pane;
use super::order::sorted;
use super::recording::{ExchangeEntry, FrameEntry, Marks, Recorder, Recording};
use super::shown::Shown;
use super::state::{Command, Event, Live, Progress, State, Tab};
use super::work::{Found, Looks, Material, answer, matching};
use crate::capture::live::LiveCounters;
use crate::capture::{self, FrameSource, Stop};
use crate::filter::{Filter, FilterOptions};
use crate::session::{Inspector, Pass, PassLimits};

/// How often the rate of a live capture is worked out anew.
const RATE_EVERY: Duration = Duration::from_secs(1);
/// User names offered for completion at the most.
const USERS: usize = 200;

/// What is read.
pub struct Input {
    /// Frames.
    pub source: Box<dyn FrameSource + Send>,
    /// What answers are worked out from.
    pub material: Material,
    /// How far the reading of files has come.
    pub progress: Vec<Arc<capture::Progress>>,
    /// Of a live capture, what the kernel counts, and how many frames are kept.
    pub live: Option<(Arc<LiveCounters>, u64)>,
    /// How far frames are read.
    pub limits: PassLimits,
    /// Ends the reading.
    pub stop: Stop,
}

/// Asks one thing at a time; what is asked next takes the place of what was asked before.
struct Desk {
    asked: Sender<(Question, Looks, Stop)>,
    stop: Stop,
}

impl Desk {
    fn open(name: &str, material: &Material, events: &Sender<Event>) -> Self {
        let (asked, questions) = unbounded::<(Question, Looks, Stop)>();
        let (material, events) = (material.clone(), events.clone());
        spawn(name, move || {
            while let Ok(mut next) = questions.recv() {
                while let Ok(newer) = questions.try_recv() {
                    next = newer;
                }
                let (question, looks, stop) = next;
                let done = answer(&material, looks, &question, &stop);
                if !stop.is_asked() {
                    // Where nobody waits any more the program ends.
                    let _ = events.send(Event::Answer(done));
                }
            }
        });
        Self {
            asked,
            stop: Stop::default(),
        }
    }

    fn ask(&mut self, question: Question, looks: Looks) {
        self.stop.ask();
        self.stop = Stop::default();
        let _ = self.asked.send((question, looks, self.stop.clone()));
    }
}

/// A thread that goes on to the end of the process.
fn spawn(name: &str, work: impl FnOnce() + Send + 'static) {
    let builder = thread::Builder::new().name(name.to_owned());
    // Without threads there is no process either.
    let _ = builder.spawn(work);
}

/// The source.
pub struct Source {
    material: Material,
    progress: Vec<Arc<capture::Progress>>,
    live: Option<(Arc<LiveCounters>, u64)>,
    events: Sender<Event>,
    near: Desk,
    rows: Desk,
    long: Desk,
    statistics: Desk,
    saving: Stop,
    filter: Option<Matching>,
    /// What was looked at already, of exchanges and of frames.
    looked_at: [u64; 2],
    rate: Rate,
    ended: bool,
    damage_told: bool,
}

/// A filter at work.
struct Matching {
    stop: Stop,
    found: Receiver<Found>,
    exchanges: Vec<u64>,
    frames: Vec<u64>,
    /// How much of the two lists is shown.
    shown: [usize; 2],
    upto: Arc<AtomicU64>,
}

/// Frames a second.
struct Rate {
    began: Instant,
    at: Instant,
    frames: u64,
    a_second: u64,
}

impl Source {
    /// Begins to read. What happens is sent to `events`.
    #[must_use]
    pub fn start(input: Input, events: Sender<Event>) -> Self {
        let Input {
            source,
            material,
            progress,
            live,
            limits,
            stop,
        } = input;
        let (shared, summary) = (material.shared.clone(), Arc::clone(&material.summary));
        let options = material.options.clone();
        let is_live = live.is_some();
        spawn("reading", move || {
            let mut pass = Pass::new(source, Inspector::new(&options), &stop);
            if is_live {
                pass = pass.live();
            }
            let mut recorder = Recorder::new(shared.clone(), summary);
            let Ok(passed) = pass.limited(limits).run(&mut recorder);
            shared.end(passed.errors.iter().map(ToString::to_string).collect());
        });
        let now = Instant::now();
        let desk = |name| Desk::open(name, &material, &events);
        Self {
            near: desk("near"),
            rows: desk("rows"),
            long: desk("long"),
            statistics: desk("statistics"),
            material,
            progress,
            live,
            events,
            saving: Stop::default(),
            filter: None,
            looked_at: [0, 1],
            rate: Rate {
                began: now,
                at: now,
                frames: 0,
                a_second: 0,
            },
            ended: false,
            damage_told: false,
        }
    }

    /// Does what the state asks for.
    pub fn run(&mut self, command: Command, state: &State) -> Vec<Event> {
        let looks = Looks {
            show_passwords: state.shows_passwords,
            time: state.time,
            charset: state.charset,
        };
        match command {
            Command::Ask(question) => {
                self.ask(question, looks);
                Vec::new()
            }
            Command::Filter(text) => self.filter(text, state),
            Command::Arrange => self.arrange(state),
            Command::Find(forward) => vec![Event::Found(self.find(state, forward))],
            Command::Cancel => {
                self.long.stop.ask();
                self.saving.ask();
                Vec::new()
            }
            Command::Clear => {
                self.material.shared.clear();
                self.arrange(state)
            }
            Command::Copy(_) | Command::SaveSettings | Command::Redraw => Vec::new(),
        }
    }

    fn ask(&mut self, question: Question, looks: Looks) {
        match question {
            Question::Rows(_) => self.rows.ask(question, looks),
            Question::Frame(_) | Question::Step(_) | Question::Preview(_) => {
                self.near.ask(question, looks);
            }
            Question::Statistics(_) => self.statistics.ask(question, looks),
            Question::Save(_) => {
                self.saving = Stop::default();
                let (material, events) = (self.material.clone(), self.events.clone());
                let stop = self.saving.clone();
                spawn("saving", move || {
                    let done = answer(&material, looks, &question, &stop);
                    let _ = events.send(Event::Answer(done));
                });
            }
            _ => self.long.ask(question, looks),
        }
    }

    fn filter(&mut self, text: Option<String>, state: &State) -> Vec<Event> {
        if let Some(old) = self.filter.take() {
            old.stop.ask();
        }
        if let Some(text) = text {
            let options = FilterOptions {
                show_passwords: state.shows_passwords,
            };
            let (found, incoming) = unbounded();
            let stop = Stop::default();
            let upto = Arc::new(AtomicU64::new(0));
            self.filter = Some(Matching {
                stop: stop.clone(),
                found: incoming,
                exchanges: Vec::new(),
                frames: Vec::new(),
                shown: [0; 2],
                upto: Arc::clone(&upto),
            });
            let (material, events) = (self.material.clone(), self.events.clone());
            spawn("filter", move || {
                let report = |some: Found| {
                    upto.store(some.upto, Ordering::Relaxed);
                    let _ = found.send(some);
                };
                let done = Filter::parse(&text, options)
                    .map_err(|error| error.message().to_owned())
                    .and_then(|filter| {
                        matching(&material, filter, options.show_passwords, &stop, report)
                    });
                if let Err(why) = done {
                    let _ = events.send(Event::Answer(super::answer::Answer::Failed(why)));
                }
            });
        }
        self.arrange(state)
    }

    /// Shows the rows that are meant, from the first one on.
    fn arrange(&mut self, state: &State) -> Vec<Event> {
        self.looked_at = [0, 0];
        if let Some(filter) = &mut self.filter {
            filter.shown = [0; 2];
        }
        let restricted = self.is_restricted(state);
        let by_column = state.sort.is_some();
        let (exchanges, kept, frames, kept_frames) = self.more(state);
        let events = vec![
            Event::ShowExchanges(if restricted || by_column {
                Shown::Picked(exchanges.clone())
            } else {
                Shown::All(kept)
            }),
            Event::ShowFrames(if restricted {
                Shown::Picked(frames)
            } else {
                Shown::All(kept_frames)
            }),
        ];
        if let Some((column, largest_first)) = state.sort {
            let (shared, sender) = (self.material.shared.clone(), self.events.clone());
            spawn("sorting", move || {
                let numbers = sorted(&shared, &exchanges, column, largest_first);
                let _ = sender.send(Event::ShowExchanges(Shown::Picked(numbers)));
            });
        }
        events
    }

    const fn is_restricted(&self, state: &State) -> bool {
        self.filter.is_some() || !matches!(state.tab, Tab::All)
    }

    /// What is to be shown of what was not looked at yet.
    fn more(
        &mut self,
        state: &State,
    ) -> (
        Vec<u64>,
        std::ops::Range<u64>,
        Vec<u64>,
        std::ops::Range<u64>,
    ) {
        let recording = self.material.shared.read();
        let (kept, kept_frames) = (recording.exchanges(), recording.frames());
        let tab = state.tab;
        let exchange = |number: &u64| {
            recording
                .exchange(*number)
                .is_some_and(|entry| in_tab(tab, entry))
        };
        let frame = |number: &u64| {
            recording
                .frame(*number)
                .is_some_and(|entry| frame_in_tab(tab, entry))
        };
        let (exchanges, frames) = if let Some(filter) = &mut self.filter {
            while let Ok(some) = filter.found.try_recv() {
                filter.exchanges.extend(some.exchanges);
                filter.frames.extend(some.frames);
            }
            let [from, from_frames] = filter.shown;
            let exchanges = filter.exchanges[from..]
                .iter()
                .copied()
                .filter(exchange)
                .collect();
            let frames = filter.frames[from_frames..]
                .iter()
                .copied()
                .filter(frame)
                .collect();
            filter.shown = [filter.exchanges.len(), filter.frames.len()];
            (exchanges, frames)
        } else if tab != Tab::All || state.sort.is_some() {
            let [from, from_frames] = self.looked_at;
            let exchanges = (from.max(kept.start)..kept.end).filter(exchange).collect();
            let frames = match tab {
                Tab::All => Vec::new(),
                _ => (from_frames.max(kept_frames.start)..kept_frames.end)
                    .filter(frame)
                    .collect(),
            };
            (exchanges, frames)
        } else {
            (Vec::new(), Vec::new())
        };
        self.looked_at = [kept.end, kept_frames.end];
        (exchanges, kept, frames, kept_frames)
    }

    /// The next failure or note among what is shown, or the one before.
    fn find(&self, state: &State, forward: bool) -> Option<u64> {
        let recording = self.material.shared.read();
        let is_frames = state.pane() == Pane::Frames;
        let list = if is_frames {
            &state.frames
        } else {
            &state.exchanges
        };
        let is_remarkable = |number: &u64| {
            if is_frames {
                let entry = recording.frame(*number);
                entry.is_some_and(|entry| {
                    entry.marks.has(Marks::FAILED) || entry.marks.has(Marks::NOTED)
                })
            } else {
                let entry = recording.exchange(*number);
                entry.is_some_and(|entry| entry.failed() || entry.note.is_some())
            }
        };
        let numbers = |at: usize| list.shown.get(at);
        if forward {
            (list.at + 1..list.shown.len())
                .filter_map(numbers)
                .find(is_remarkable)
        } else {
            (0..list.at).rev().filter_map(numbers).find(is_remarkable)
        }
    }

    /// What came since it was asked last.
    pub fn poll(&mut self, state: &State) -> Vec<Event> {
        let mut events = Vec::new();
        let (exchanges, kept, frames, kept_frames) = if state.paused {
            Default::default()
        } else {
            self.more(state)
        };
        let has_frames = kept_frames.end > 0;
        if has_frames {
            events.push(Event::Exchanges(exchanges, kept));
            events.push(Event::Frames(frames, kept_frames));
        }
        let recording = self.material.shared.read();
        let mut progress = progress_of(&recording);
        let damage = recording.damage().first().cloned();
        let ended = recording.ended();
        drop(recording);
        progress.read = self.read();
        if let Some((counters, ring)) = &self.live {
            progress.live = Some(self.rate.look(progress.frames, counters.dropped(), *ring));
        }
        if let Some(filter) = &self.filter {
            let upto = filter.upto.load(Ordering::Relaxed);
            let is_done = ended && upto >= progress.frames || self.live.is_some();
            let at = (!is_done).then_some((upto, progress.frames.max(1)));
            events.push(Event::Filtering(at));
        }
        if let Some(damage) = damage.filter(|_| !std::mem::replace(&mut self.damage_told, ended)) {
            events.push(Event::Answer(super::answer::Answer::Failed(damage)));
        }
        let ends_now = ended && !std::mem::replace(&mut self.ended, ended);
        if progress != state.progress || ends_now {
            events.push(Event::Progress(progress));
        }
        if ends_now && state.sort.is_some() {
            events.extend(self.arrange(state));
        }
        events
    }

    fn read(&self) -> Option<(u64, u64)> {
        let total = self
            .progress
            .iter()
            .map(|one| one.total())
            .sum::<Option<u64>>()?;
        let read = self.progress.iter().map(|one| one.read()).sum();
        (total > 0).then_some((read, total))
    }

    /// Puts into the state the rows that are seen.
    pub fn fill(&self, state: &mut State) {
        let recording = self.material.shared.read();
        state.start = recording.start();
        let entry = |number: u64| Some((number, recording.exchange(number)?.clone()));
        state.exchange_rows = state.exchanges.seen().filter_map(entry).collect();
        if std::mem::take(&mut state.wants_marked_streams) {
            let stream = |number: &u64| Some((*number, recording.exchange(*number)?.stream));
            state.marked_streams = state.marked.iter().filter_map(stream).collect();
        }
        if state.dialog.is_some() && state.users.is_empty() {
            let kept = recording.exchanges();
            let mut users = BTreeSet::new();
            for number in kept {
                if let Some(user) = recording
                    .exchange(number)
                    .and_then(|entry| entry.user.clone())
                {
                    users.insert(user);
                }
                if users.len() >= USERS {
                    break;
                }
            }
            state.users = users.iter().map(ToString::to_string).collect();
        }
    }
}

const fn in_tab(tab: Tab, entry: &ExchangeEntry) -> bool {
    match tab {
        Tab::All => true,
        Tab::Failed => entry.failed(),
        Tab::Noted => entry.note.is_some(),
    }
}

const fn frame_in_tab(tab: Tab, entry: &FrameEntry) -> bool {
    match tab {
        Tab::All => true,
        Tab::Failed => entry.marks.has(Marks::FAILED),
        Tab::Noted => entry.marks.has(Marks::NOTED),
    }
}

fn progress_of(recording: &Recording) -> Progress {
    let [ok, no, noted] = recording.counts();
    let kept = recording.exchanges();
    Progress {
        read: None,
        ended: recording.ended(),
        frames: recording.frames().end - 1,
        let_go: recording.frames().start - 1,
        counts: [kept.end - kept.start, ok, no, noted],
        spooled: recording.store().is_spooled(),
        live: None,
    }
}

impl Rate {
    fn look(&mut self, frames: u64, dropped: u64, ring: u64) -> Live {
        let now = Instant::now();
        let since = now.duration_since(self.at);
        if since >= RATE_EVERY {
            let more = frames.saturating_sub(self.frames);
            self.a_second = (more * 1000)
                .checked_div(u64::try_from(since.as_millis()).unwrap_or(1))
                .unwrap_or_default();
            (self.at, self.frames) = (now, frames);
        }
        let running = now.duration_since(self.began);
        Live {
            rate: self.a_second,
            dropped,
            running: Duration::from_secs(running.as_secs()),
            ring,
        }
    }
}
