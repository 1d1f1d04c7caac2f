//! Facts that a capture records about itself: its interfaces, and frames lost during the capture.

use crate::capture::{AsideContent, Batch, Interface, InterfaceStatistics};

/// Interfaces kept at most.
const MOST: usize = 64;

/// What was found between the frames.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Interfaces in order of appearance.
    pub interfaces: Vec<Interface>,
    /// The last statistics of each.
    pub statistics: Vec<InterfaceStatistics>,
    /// Interfaces that are not kept.
    pub left_out: u64,
}

impl Facts {
    /// Adds the blocks between a batch's frames.
    pub fn see(&mut self, batch: &Batch) {
        for aside in &batch.asides {
            if let AsideContent::Interface(interface) = &aside.what {
                if self.interfaces.len() < MOST {
                    let options = Vec::new();
                    self.interfaces.push(Interface {
                        options,
                        ..(**interface).clone()
                    });
                } else {
                    self.left_out += 1;
                }
            } else if let Some(found) = InterfaceStatistics::of(&aside.what, batch) {
                let mut known = self.statistics.iter();
                match known.position(|known| known.interface == found.interface) {
                    Some(at) => self.statistics[at] = found,
                    None if self.statistics.len() < MOST => self.statistics.push(found),
                    None => {}
                }
            }
        }
    }
}
