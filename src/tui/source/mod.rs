//! The work behind the screen: one thread records, others answer questions; and the rows that are shown are chosen.

mod choosing;
mod rate;
mod worker;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_channel::Sender;

use super::answer::Question;
use super::recording::{Recorder, Recording};
use super::state::{Command, Event, Progress, State};
use super::work::{Looks, Material, answer};
use crate::capture::live::LiveCounters;
use crate::capture::{self, FrameSource, Stop};
use crate::session::{Inspector, Pass, PassLimits};
use choosing::Matching;
use rate::Rate;
use worker::{Worker, spawn};

/// The most user names offered for completion.
const USERS: usize = 200;

/// The input.
pub struct Input {
    /// Frames.
    pub source: Box<dyn FrameSource + Send>,
    /// What answers are computed from.
    pub material: Material,
    /// Progress of reading files.
    pub progress: Vec<Arc<capture::Progress>>,
    /// For a live capture: the kernel's counters, and how many frames are kept.
    pub live: Option<(Arc<LiveCounters>, u64)>,
    /// Limits on the frames that are read.
    pub limits: PassLimits,
    /// Ends the reading.
    pub stop: Stop,
}

/// The source.
pub struct TuiSource {
    material: Material,
    progress: Vec<Arc<capture::Progress>>,
    live: Option<(Arc<LiveCounters>, u64)>,
    events: Sender<Event>,
    near: Worker,
    rows: Worker,
    long: Worker,
    statistics: Worker,
    saving: Stop,
    filter: Option<Matching>,
    /// How many exchanges and frames were examined already.
    looked_at: [u64; 2],
    /// The exchanges and frames that, as the state knows, are kept.
    told: [Range<u64>; 2],
    rate: Rate,
    ended: bool,
    damage_told: bool,
}

impl TuiSource {
    /// Begins to read. Events are sent to `events`.
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
        let worker = |name| Worker::open(name, &material, &events);
        Self {
            near: worker("near"),
            rows: worker("rows"),
            long: worker("long"),
            statistics: worker("statistics"),
            material,
            progress,
            live,
            events,
            saving: Stop::default(),
            filter: None,
            looked_at: [0, 1],
            told: [0..0, 0..0],
            rate: Rate::default(),
            ended: false,
            damage_told: false,
        }
    }

    /// Executes a command of the state.
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
            Command::Copy(_) | Command::SaveColumns(_) | Command::Redraw => Vec::new(),
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

    /// Events since the last poll.
    pub fn poll(&mut self, state: &State) -> Vec<Event> {
        let mut events = Vec::new();
        let (exchanges, kept, frames, kept_frames) = if state.paused {
            Default::default()
        } else {
            self.more(state)
        };
        let has_frames = kept_frames.end > 0;
        let has_more = !exchanges.is_empty() || !frames.is_empty();
        let kept = [kept, kept_frames];
        if has_frames && (has_more || kept != self.told) {
            self.told.clone_from(&kept);
            let [kept, kept_frames] = kept;
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
        let percent = self.material.nearby.percent_now();
        if percent != state.reading {
            events.push(Event::Reading(percent));
        }
        if let Some(filter) = &self.filter {
            let upto = filter.upto.load(Ordering::Relaxed);
            let is_done = ended && upto >= progress.frames || self.live.is_some();
            let at = (!is_done).then_some((upto, progress.frames.max(1)));
            if state
                .filter
                .as_ref()
                .is_some_and(|told| told.progress != at)
            {
                events.push(Event::Filtering(at));
            }
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

    /// Fills the state with the visible rows.
    pub fn fill(&self, state: &mut State) {
        let recording = self.material.shared.read();
        state.start = recording.start();
        let last = recording.frames().end - 1;
        state.latest = recording.frame(last).map(|entry| entry.time);
        let entry = |number: u64| Some((number, recording.exchange(number)?));
        state.exchange_rows = state.exchanges.seen().filter_map(entry).collect();
        let above = state.exchanges.above();
        state.exchange_above = above.and_then(|above| Some(recording.exchange(above)?.time));
        let above = state.frames.above();
        state.frame_above = above.and_then(|above| Some(recording.frame(above)?.time));
        if std::mem::take(&mut state.wants_marked_streams) {
            let stream = |number: &u64| Some((*number, recording.stream_of_exchange(*number)?));
            state.marked_streams = state.marked.iter().filter_map(stream).collect();
        }
        if state.dialog.is_some() && state.users.is_empty() {
            let kept = recording.exchanges();
            let mut users = BTreeSet::new();
            for number in kept {
                if let Some(user) = recording.exchange(number).and_then(|entry| entry.user) {
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

fn progress_of(recording: &Recording) -> Progress {
    Progress {
        read: None,
        ended: recording.ended(),
        frames: recording.frames().end - 1,
        discarded: recording.frames().start - 1,
        counts: recording.counts(),
        spooled: recording.store().is_spooled(),
        live: None,
    }
}
