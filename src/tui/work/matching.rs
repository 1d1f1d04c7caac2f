//! Which frames and exchanges match a filter, while the recording grows.

use std::ops::ControlFlow;
use std::rc::Rc;
use std::result::Result;

use super::{Material, again, again_with};
use crate::capture::{Aside, Batch, Stop};
use crate::filter::Filter;
use crate::output::{Answers, Context, OutputError};
use crate::session::{Exchanges, FrameRecord, Remainder, Sink};
use crate::tui::recording::{Choice, Texts};

/// Frames looked at between two reports.
const REPORT_EVERY: u64 = 4096;

/// What a filter found since it was asked last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Numbers of frames that match.
    pub frames: Vec<u64>,
    /// Numbers of exchanges that match.
    pub exchanges: Vec<u64>,
    /// The last frame that was looked at.
    pub upto: u64,
}

/// Asks a filter about every frame and exchange that there is and that comes, until `stop`; `report` takes what is found.
pub fn matching(
    material: &Material,
    filter: Filter,
    show_passwords: bool,
    stop: &Stop,
    report: impl FnMut(Found),
) -> Result<(), String> {
    let needs = filter.needs();
    let is_live = material.files.is_empty();
    let answers = if needs.responses || needs.outcomes && !is_live {
        if is_live {
            return Err("this filter looks ahead, which cannot be done live".to_owned());
        }
        let mut answers = Answers::default();
        // As long as the file is read, answers come.
        again(material, Choice::Growing, &mut answers, stop)?;
        if stop.is_asked() {
            return Ok(());
        }
        Some(Rc::new(answers))
    } else {
        None
    };
    let mut asking = Asking {
        context: Context::new(Some(filter), needs, answers, show_passwords),
        exchanges: Exchanges::default(),
        texts: Texts::default(),
        material,
        found: Found::default(),
        waiting: Vec::new(),
        reported: 0,
        report,
    };
    again_with(material, Choice::Growing, &mut asking, stop, |options| {
        options.tls_records = needs.tls;
    })
}

struct Asking<'m, R> {
    context: Context,
    exchanges: Exchanges,
    texts: Texts,
    material: &'m Material,
    found: Found,
    /// Exchanges that match and are not recorded yet.
    waiting: Vec<crate::tui::recording::ExchangeEntry>,
    reported: u64,
    report: R,
}

impl<R: FnMut(Found)> Asking<'_, R> {
    fn take_exchanges(&mut self) {
        for exchange in self.exchanges.take() {
            if self.context.takes_exchange(&exchange) {
                self.waiting
                    .push(self.texts.entry(&exchange, self.found.upto));
            }
        }
    }

    fn tell(&mut self) {
        let recording = self.material.shared.read();
        let found = &mut self.found.exchanges;
        self.waiting
            .retain(|entry| match recording.number_of(entry) {
                Some(number) => {
                    found.push(number);
                    false
                }
                None => entry.completed >= recording.frames().end,
            });
        drop(recording);
        self.reported = self.found.upto;
        let upto = self.found.upto;
        let found = std::mem::take(&mut self.found);
        (self.report)(found);
        self.found.upto = upto;
    }
}

impl<R: FnMut(Found)> Sink for Asking<'_, R> {
    type Error = OutputError;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        self.found.upto = record.frame.number;
        self.context.advance(record);
        if self.context.takes(record) {
            self.found.frames.push(record.frame.number);
        }
        self.exchanges.record(record);
        self.take_exchanges();
        if self.found.upto >= self.reported + REPORT_EVERY {
            self.tell();
        }
        Ok(ControlFlow::Continue(()))
    }

    fn aside(&mut self, aside: &Aside, _: &Batch) -> Result<(), OutputError> {
        self.context.aside(aside);
        Ok(())
    }

    fn pause(&mut self) -> Result<ControlFlow<()>, OutputError> {
        if self.found.upto > self.reported {
            self.tell();
        }
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        self.exchanges.rest(remainder);
        self.exchanges.finish();
        self.take_exchanges();
        self.tell();
        Ok(())
    }
}
