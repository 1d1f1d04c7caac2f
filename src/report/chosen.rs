//! The exchanges that a page lists: all if there are few, otherwise the slowest, those without a response, those with
//! a fault, and a sample of the others, spread over the capture and the same in each run.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::faults::is_fault;
use crate::dissect::{Message, Severity};
use crate::layout::Said;
use crate::session::{Exchange, Half};

/// Exchanges up to which all are kept.
const ALL: usize = 400;
const SLOW: usize = 60;
const UNANSWERED: usize = 40;
const FAULTY: usize = 40;
const FAILED: usize = 120;
const ANY: usize = 140;

/// The exchanges with the smallest keys, up to a limit, each with its number; of equal keys, the smallest numbers.
#[derive(Debug)]
struct Least<K> {
    kept: BTreeMap<(K, u64), Rc<Exchange>>,
    most: usize,
}

impl<K: Ord> Least<K> {
    const fn new(most: usize) -> Self {
        Self {
            kept: BTreeMap::new(),
            most,
        }
    }

    /// Whether an exchange with this key, later than all others, would be kept.
    fn wants(&self, key: &K) -> bool {
        let largest = self.kept.last_key_value();
        self.kept.len() < self.most || largest.is_some_and(|((largest, _), _)| key < largest)
    }

    /// Those that are kept with their numbers, the smallest key first.
    fn in_order(&self) -> impl Iterator<Item = (u64, &Rc<Exchange>)> {
        self.kept.iter().map(|((_, number), one)| (*number, one))
    }

    fn add(&mut self, key: K, number: u64, exchange: &Rc<Exchange>) {
        self.kept.insert((key, number), Rc::clone(exchange));
        if self.kept.len() > self.most {
            self.kept.pop_last();
        }
    }
}

/// Why an exchange is shown with its messages' bytes, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// A message of it does not conform to the protocol, or does not belong there.
    Faulty,
    /// It has no response.
    Unanswered,
    /// Its response was among the slowest.
    Slow,
}

/// The exchanges that are kept.
#[derive(Debug)]
pub(super) struct Chosen {
    /// How many there were.
    pub count: u64,
    first: Vec<Rc<Exchange>>,
    slow: Least<Reverse<i64>>,
    unanswered: Vec<(u64, Rc<Exchange>)>,
    faulty: Vec<(u64, Rc<Exchange>)>,
    failed: Least<u64>,
    any: Least<u64>,
}

impl Default for Chosen {
    fn default() -> Self {
        Self {
            count: 0,
            first: Vec::new(),
            slow: Least::new(SLOW),
            unanswered: Vec::new(),
            faulty: Vec::new(),
            failed: Least::new(FAILED),
            any: Least::new(ANY),
        }
    }
}

/// Spreads numbers evenly over 64 bits (the last step of SplitMix64), so that those below a limit are a fair part.
const fn spread(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

fn is_faulty(message: &Message) -> bool {
    let mut notes = message.notes.iter();
    notes.any(|note| is_fault(note) && note.severity() >= Severity::Warning)
}

impl Chosen {
    /// Examines an exchange whose first message has this number, and keeps it if it is to be listed.
    pub fn see(&mut self, message: u64, request: Half<'_>, response: Half<'_>) {
        if request.is_none() && response.is_none() {
            return;
        }
        let number = self.count;
        self.count += 1;
        let elapsed = match (&request, &response) {
            (Some(_), Some(response)) => response.peer.map(|peer| Reverse(peer.elapsed)),
            _ => None,
        };
        let slow = elapsed.filter(|key| self.slow.wants(key));
        let unanswered = response.is_none() && self.unanswered.len() < UNANSWERED;
        let faulty = self.faulty.len() < FAULTY
            && [&request, &response]
                .into_iter()
                .flatten()
                .any(|message| is_faulty(message));
        let said = response.as_ref().and_then(|response| response.said());
        let key = spread(number);
        let failed = said == Some(Said::Failure) && self.failed.wants(&key);
        let any = self.any.wants(&key);
        let first = self.count <= ALL as u64;
        if !(first || slow.is_some() || unanswered || faulty || failed || any) {
            return;
        }
        let Some(exchange) = Exchange::of(message, request, response) else {
            return;
        };
        let exchange = Rc::new(exchange);
        if first {
            self.first.push(Rc::clone(&exchange));
        } else if !self.first.is_empty() {
            self.first = Vec::new();
        }
        if failed {
            self.failed.add(key, number, &exchange);
        }
        if any {
            self.any.add(key, number, &exchange);
        }
        if let Some(key) = slow {
            self.slow.add(key, number, &exchange);
        }
        if unanswered {
            self.unanswered.push((number, Rc::clone(&exchange)));
        }
        if faulty {
            self.faulty.push((number, exchange));
        }
    }

    /// The exchanges to list, at most `most`, in order of time. If some must be left out, the sample of all exchanges
    /// is reduced first, then that of the failed ones.
    pub fn listed(&self, most: usize) -> Vec<Rc<Exchange>> {
        let mut listed = BTreeMap::new();
        let mut take = |number: u64, exchange: &Rc<Exchange>| {
            if listed.len() < most {
                listed.insert(number, Rc::clone(exchange));
            }
        };
        if self.count <= ALL as u64 && self.first.len() <= most {
            for (number, exchange) in (0..).zip(&self.first) {
                take(number, exchange);
            }
        } else {
            let quarter = most / 4;
            for (number, exchange) in self.unanswered.iter().chain(&self.faulty).take(quarter) {
                take(*number, exchange);
            }
            let slow = self.slow.in_order().take(quarter);
            let failed = self.failed.in_order().take(quarter);
            for (number, exchange) in slow.chain(failed).chain(self.any.in_order()) {
                take(number, exchange);
            }
        }
        let mut listed: Vec<(u64, Rc<Exchange>)> = listed.into_iter().collect();
        listed.sort_by_key(|(number, exchange)| (exchange.time(), *number));
        listed.into_iter().map(|(_, exchange)| exchange).collect()
    }

    /// The slowest or worst exchanges: in turn one with a fault, one without a response and one of the slowest, up to
    /// `most`.
    pub fn worst(&self, most: usize) -> Vec<(Why, Rc<Exchange>)> {
        let mut slow = self.slow.in_order();
        let mut faulty = self.faulty.iter().map(|(number, one)| (*number, one));
        let mut unanswered = self.unanswered.iter().map(|(number, one)| (*number, one));
        let mut worst: Vec<(Why, u64, Rc<Exchange>)> = Vec::new();
        let mut took = true;
        while took && worst.len() < most {
            took = false;
            for (why, next) in [
                (Why::Faulty, faulty.next()),
                (Why::Unanswered, unanswered.next()),
                (Why::Slow, slow.next()),
            ] {
                let Some((number, exchange)) = next else {
                    continue;
                };
                took = true;
                let is_new = worst.iter().all(|(_, known, _)| *known != number);
                if is_new && worst.len() < most {
                    worst.push((why, number, Rc::clone(exchange)));
                }
            }
        }
        worst
            .sort_by_key(|(why, _, exchange)| (*why, Reverse(exchange.elapsed()), exchange.time()));
        let worst = worst.into_iter();
        worst.map(|(why, _, exchange)| (why, exchange)).collect()
    }
}
