//! Threads that answer questions, each one question at a time.

use std::thread;

use crossbeam_channel::{Sender, unbounded};

use crate::capture::Stop;
use crate::tui::answer::Question;
use crate::tui::state::Event;
use crate::tui::work::{Looks, Material, answer};

/// Asks one question at a time; a further question replaces the waiting one.
pub(super) struct Worker {
    asked: Sender<(Question, Looks, Stop)>,
    pub stop: Stop,
}

impl Worker {
    pub fn open(name: &str, material: &Material, events: &Sender<Event>) -> Self {
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
                    // If nobody waits for the answer any more, the program is ending.
                    let _ = events.send(Event::Answer(done));
                }
            }
        });
        Self {
            asked,
            stop: Stop::default(),
        }
    }

    pub fn ask(&mut self, question: Question, looks: Looks) {
        self.stop.ask();
        self.stop = Stop::default();
        let _ = self.asked.send((question, looks, self.stop.clone()));
    }
}

/// Starts a thread that runs until the process ends.
pub(super) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) {
    let builder = thread::Builder::new().name(name.to_owned());
    // If no thread can be started, the process cannot work anyway.
    let _ = builder.spawn(work);
}
