//! Messages that do not conform to the protocol: the first one for each kind of fault, with its bytes.

use std::mem::Discriminant;

use crate::dissect::{CutBy, Message, Note};
use crate::layout::FieldRef;
use crate::protocol::Fault;

/// The most kinds of faults that are distinguished.
const MOST_KINDS: usize = 64;
/// Frames named of each kind.
const FRAMES: usize = 5;

/// What makes two faults alike.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Alike {
    note: Discriminant<Note>,
    fault: Option<Discriminant<Fault>>,
    field: Option<&'static str>,
    described: Option<FieldRef>,
}

/// Messages with one kind of fault.
#[derive(Debug)]
pub(super) struct FaultGroup {
    alike: Alike,
    /// What is said of the first.
    pub note: Note,
    /// The first one.
    pub first: Message,
    /// How many there are.
    pub count: u64,
    /// The first few frames.
    pub frames: Vec<u64>,
}

/// All kinds.
#[derive(Debug, Default)]
pub(super) struct Faults {
    kinds: Vec<FaultGroup>,
    /// Faults of kinds that are not distinguished.
    pub others: u64,
}

/// Whether a note is about a sender that violates the protocol, and not about the capture or the network.
pub(super) const fn is_fault(note: &Note) -> bool {
    matches!(
        note,
        Note::Fault(_)
            | Note::Described { .. }
            | Note::WrongResponse { .. }
            | Note::Skipped { .. }
            | Note::CutOff {
                by: CutBy::Fin | CutBy::Reset,
                ..
            }
    )
}

fn alike(note: &Note) -> Option<Alike> {
    if !is_fault(note) {
        return None;
    }
    let (fault, described) = match note {
        Note::Fault(fault) => (Some(std::mem::discriminant(fault)), None),
        Note::Described { field, .. } => (None, *field),
        _ => (None, None),
    };
    Some(Alike {
        note: std::mem::discriminant(note),
        fault,
        field: note.field().map(|field| field.key),
        described,
    })
}

impl Faults {
    /// Looks at a message that has notes.
    pub fn see(&mut self, message: &Message) {
        for note in &message.notes {
            let Some(alike) = alike(note) else { continue };
            if let Some(known) = self.kinds.iter_mut().find(|known| known.alike == alike) {
                known.count += 1;
                if known.frames.len() < FRAMES {
                    known.frames.push(message.frame);
                }
            } else if self.kinds.len() < MOST_KINDS {
                self.kinds.push(FaultGroup {
                    alike,
                    note: note.clone(),
                    first: message.clone(),
                    count: 1,
                    frames: vec![message.frame],
                });
            } else {
                self.others += 1;
            }
        }
    }

    /// The kinds, the most serious and commonest first.
    pub fn kinds(&self) -> Vec<&FaultGroup> {
        let mut kinds: Vec<&FaultGroup> = self.kinds.iter().collect();
        kinds.sort_by_key(|kind| {
            std::cmp::Reverse((
                kind.note.severity(),
                kind.count,
                std::cmp::Reverse(kind.first.frame),
            ))
        });
        kinds
    }
}
