//! Which rows are shown: all, those of a tab, those that a filter takes, in which order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::{Receiver, unbounded};

use super::Source;
use super::desk::spawn;
use crate::capture::Stop;
use crate::filter::{Filter, FilterOptions};
use crate::tui::answer::Answer;
use crate::tui::keys::Pane;
use crate::tui::order::sorted;
use crate::tui::recording::{ExchangeEntry, FrameEntry, Marks};
use crate::tui::shown::Shown;
use crate::tui::state::{Event, State, Tab};
use crate::tui::work::{Found, matching};

/// A filter at work.
pub(super) struct Matching {
    stop: Stop,
    found: Receiver<Found>,
    exchanges: Vec<u64>,
    frames: Vec<u64>,
    /// How much of the two lists is shown.
    shown: [usize; 2],
    pub upto: Arc<AtomicU64>,
}

impl Source {
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
                    let _ = events.send(Event::Answer(Answer::Failed(why)));
                }
            });
        }
        self.arrange(state)
    }

    /// Shows the rows that are meant, from the first one on.
    pub(super) fn arrange(&mut self, state: &State) -> Vec<Event> {
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
    pub(super) fn more(
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
