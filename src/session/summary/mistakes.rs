//! Counts faults of messages by kind and field.

use std::mem::Discriminant;

use super::findings::{Finding, FindingKind};
use super::slow::EXAMPLES;
use crate::capture::Timestamp;
use crate::dissect::{Message, Severity};
use crate::protocol::Fault;

/// All faults of one kind in one field.
#[derive(Debug)]
struct Mistake {
    kind: (Discriminant<Fault>, Option<&'static str>),
    first: Fault,
    alike: bool,
    severity: Severity,
    count: u64,
    times: [Timestamp; 2],
    frames: Vec<u64>,
}

/// All kinds of faults that occurred: at most as many as there are kinds times fields.
#[derive(Debug, Default)]
pub(super) struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// Counts a fault of a message.
    pub fn add(&mut self, fault: Fault, severity: Severity, message: &Message) {
        let (frame, time) = (message.frame, message.time);
        let field = fault.field().map(|field| field.key);
        let kind = (std::mem::discriminant(&fault), field);
        let Some(known) = self.0.iter_mut().find(|known| known.kind == kind) else {
            return self.0.push(Mistake {
                kind,
                first: fault,
                alike: true,
                severity,
                count: 1,
                times: [time; 2],
                frames: vec![frame],
            });
        };
        known.count += 1;
        known.alike &= known.first == fault;
        let [first, last] = &mut known.times;
        *first = time.min(*first);
        *last = time.max(*last);
        if known.frames.len() < EXAMPLES {
            known.frames.push(frame);
        }
    }

    pub fn findings(&self) -> impl Iterator<Item = Finding> {
        self.0.iter().map(|mistake| Finding {
            what: FindingKind::Mistake {
                fault: mistake.first,
                alike: mistake.alike,
            },
            severity: mistake.severity,
            user: None,
            address: None,
            count: mistake.count,
            first: mistake.times[0],
            last: mistake.times[1],
            frames: mistake.frames.clone(),
        })
    }
}
