//! Chooses the rows that are shown: all, those of a tab, or those that a filter matches, and their order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::{Receiver, unbounded};

use super::TuiSource;
use super::worker::spawn;
use crate::capture::Stop;
use crate::filter::{Filter, FilterOptions};
use crate::tui::answer::Answer;
use crate::tui::keys::Pane;
use crate::tui::order::sorted;
use crate::tui::recording::{Marks, Numbers, Recording};
use crate::tui::shown::Shown;
use crate::tui::state::{Event, State, Tab};
use crate::tui::work::{Found, matching};

/// The most frames examined between two keys.
const AT_ONCE: usize = 300_000;

/// A running filter.
pub(super) struct Matching {
    stop: Stop,
    found: Receiver<Found>,
    exchanges: Numbers,
    frames: Numbers,
    /// How much of the two lists is shown.
    shown: [usize; 2],
    pub upto: Arc<AtomicU64>,
}

impl TuiSource {
    pub(super) fn filter(&mut self, text: Option<String>, state: &State) -> Vec<Event> {
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
                exchanges: Numbers::default(),
                frames: Numbers::default(),
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
                    let _ = events.send(Event::Answer(Answer::Failed(why)));
                }
            });
        }
        self.arrange(state)
    }

    /// Shows the chosen rows, from the first one on.
    pub(super) fn arrange(&mut self, state: &State) -> Vec<Event> {
        self.looked_at = [0, 0];
        self.told = [0..0, 0..0];
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

    /// Events for rows that have not been examined yet.
    pub(super) fn more(
        &mut self,
        state: &State,
    ) -> (Numbers, std::ops::Range<u64>, Numbers, std::ops::Range<u64>) {
        let recording = self.material.shared.read();
        let (kept, kept_frames) = (recording.exchanges(), recording.frames());
        let tab = state.tab;
        let exchange = |number: &u64| in_tab(tab, &recording, *number);
        let frame = |number: &u64| frame_in_tab(tab, &recording, *number);
        let mut looked_at = [kept.end, kept_frames.end];
        let (exchanges, frames) = if let Some(filter) = &mut self.filter {
            while let Ok(some) = filter.found.try_recv() {
                filter.exchanges.extend(some.exchanges);
                filter.frames.extend(some.frames);
            }
            let [from, from_frames] = filter.shown;
            let exchanges = filter.exchanges.from(from).filter(exchange).collect();
            let some = filter.frames.from(from_frames).take(AT_ONCE);
            let frames = some.filter(frame).collect();
            let to = filter.frames.len().min(from_frames + AT_ONCE);
            filter.shown = [filter.exchanges.len(), to];
            (exchanges, frames)
        } else if tab != Tab::All || state.sort.is_some() {
            let [from, from_frames] = self.looked_at;
            let exchanges = (from.max(kept.start)..kept.end).filter(exchange).collect();
            let frames = if tab == Tab::All {
                Numbers::default()
            } else {
                let from = from_frames.max(kept_frames.start);
                let to = kept_frames.end.min(from + AT_ONCE as u64);
                looked_at[1] = to;
                (from..to).filter(frame).collect()
            };
            (exchanges, frames)
        } else {
            (Numbers::default(), Numbers::default())
        };
        self.looked_at = looked_at;
        (exchanges, kept, frames, kept_frames)
    }

    /// The next failure or note among the shown rows, or the previous one.
    pub(super) fn find(&self, state: &State, forward: bool) -> Option<u64> {
        let recording = self.material.shared.read();
        let is_frames = state.pane() == Pane::Frames;
        let list = if is_frames {
            &state.frames
        } else {
            &state.exchanges
        };
        let is_remarkable = |number: &u64| {
            if is_frames {
                let marks = recording.marks(*number);
                marks.has(Marks::FAILED) || marks.has(Marks::NOTED)
            } else {
                let [failed, noted] = recording.failed_and_noted(*number);
                failed || noted
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
}

fn in_tab(tab: Tab, recording: &Recording, exchange: u64) -> bool {
    let [failed, noted] = match tab {
        Tab::All => return recording.exchanges().contains(&exchange),
        _ => recording.failed_and_noted(exchange),
    };
    tab == Tab::Failed && failed || tab == Tab::Noted && noted
}

fn frame_in_tab(tab: Tab, recording: &Recording, frame: u64) -> bool {
    match tab {
        Tab::All => recording.frames().contains(&frame),
        Tab::Failed => recording.marks(frame).has(Marks::FAILED),
        Tab::Noted => recording.marks(frame).has(Marks::NOTED),
    }
}
