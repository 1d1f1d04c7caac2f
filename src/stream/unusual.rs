//! How the flow table processes resets, SYNs on an existing connection, and what follows them.

use super::closed::Dated;
use super::dispute::{Choice, Reset, Rival, SETTLED_AFTER, choose};
use super::entry::Status;
use super::flow::Side;
use super::key::FlowKey;
use super::table::FlowTable;
use super::{Carried, End, Handler, HandlerState, Ignored, Remark, StreamEvent};
use crate::capture::Timestamp;
use crate::packet::{Flags, SeqNumber};

impl<S: HandlerState> FlowTable<S> {
    /// Processes a segment that is a SYN or a reset, or that follows one that may have been ignored. Returns whether
    /// its receiver accepts it as it does other segments.
    #[cold]
    pub(super) fn takes_unusual(
        &mut self,
        slot: u32,
        from: Side,
        carried: &Carried<'_>,
        handler: &mut impl Handler<S>,
    ) -> bool {
        let (segment, frame) = (carried.segment, carried.number);
        if segment.flags.has(Flags::RST) {
            self.take_reset(slot, from, carried, handler);
            return false;
        }
        let entry = &mut self.entries[slot];
        if entry.is_stray_answer(from, segment) {
            entry.count(from, carried);
            let why = Ignored::GoesOn;
            handler.take(
                &mut entry.flow,
                from,
                StreamEvent::Remark(Remark::SynIgnored { frame, why }),
            );
            return false;
        }
        self.take_after_reset(slot, from, carried, handler);
        true
    }

    /// Processes a reset: its receiver ignores it, or may accept it.
    fn take_reset(
        &mut self,
        slot: u32,
        from: Side,
        carried: &Carried<'_>,
        handler: &mut impl Handler<S>,
    ) {
        let Carried {
            number: frame,
            time,
            segment,
            payload,
            ..
        } = *carried;
        let lane = self.lane_of(slot);
        let entry = &mut self.entries[slot];
        let wanted = handler.interest(&entry.flow).octets;
        if let Some(why) = entry.refuses_reset(from, carried, wanted) {
            entry.count(from, carried);
            return handler.take(
                &mut entry.flow,
                from,
                StreamEvent::Remark(Remark::ResetIgnored { frame, why }),
            );
        }
        entry.learn(from, carried);
        if wanted {
            entry.acknowledge(from, segment, &mut self.lanes[lane].memory, handler);
        }
        if !payload.is_empty() {
            handler.take(
                &mut entry.flow,
                from,
                StreamEvent::Remark(Remark::ResetCause(payload)),
            );
        }
        let dispute = self.disputes.entry(slot).or_default();
        if !entry.has_ended() && dispute.reset.is_none_or(|reset| reset.settled) {
            dispute.reset = Some(Reset {
                from,
                frame,
                time,
                seq: segment.seq,
                next: entry.direction(from).next(),
                settled: false,
                reported: false,
            });
            let stream = entry.flow.stream;
            self.lanes[lane]
                .resets
                .push_back(Dated { slot, stream, time });
            self.due = self.due.min(self.lanes[lane].due());
        }
        entry.unsettle();
    }

    /// Decides by a segment after a reset whether the reset was accepted. If the segment brings bytes, the flow accepts
    /// bytes again.
    fn take_after_reset(
        &mut self,
        slot: u32,
        from: Side,
        carried: &Carried<'_>,
        handler: &mut impl Handler<S>,
    ) {
        let Some(mut reset) = self.disputes.get(&slot).and_then(|dispute| dispute.reset) else {
            return;
        };
        if !reset.settled && carried.time.since(reset.time) > SETTLED_AFTER {
            self.settle(slot, handler);
            reset.settled = true;
        }
        let segment = carried.segment;
        let entry = &mut self.entries[slot];
        let end = segment.next_seq();
        let brings = end.after(entry.direction(from).next()) && segment.seq_len() > 0;
        // The sender continues after the reset, or the receiver acknowledges what came after it.
        let answers = |ack: SeqNumber| ack.after(reset.next);
        let goes_on = if from == reset.from {
            brings && end.after(reset.seq)
        } else {
            segment.payload_len > 0 && segment.acknowledges().is_some_and(answers)
        };
        if goes_on && !reset.settled {
            let (frame, why) = (reset.frame, Ignored::GoesOn);
            let remark = Remark::ResetIgnored { frame, why };
            handler.take(&mut entry.flow, reset.from, StreamEvent::Remark(remark));
        } else if brings && segment.payload_len > 0 && !reset.reported {
            let remark = Remark::AfterReset { reset: reset.frame };
            handler.take(&mut entry.flow, from, StreamEvent::Remark(remark));
            reset.reported = true;
        }
        if brings && entry.was_reset() {
            if entry.status == Status::Closed {
                self.totals.open += 1;
            }
            entry.revive();
        }
        if let Some(dispute) = self.disputes.get_mut(&slot) {
            let forged = goes_on && !reset.settled;
            dispute.reset = (!forged).then_some(reset);
        }
    }

    /// Makes the flow's reset, if there is one, count as accepted.
    pub(super) fn settle(&mut self, slot: u32, handler: &mut impl Handler<S>) {
        let dispute = self.disputes.get_mut(&slot);
        let Some(reset) = dispute.and_then(|dispute| dispute.reset.as_mut()) else {
            return;
        };
        if std::mem::replace(&mut reset.settled, true) {
            return;
        }
        let (from, time) = (reset.from, reset.time);
        let lane = self.lane_of(slot);
        for side in [from, from.other()] {
            let memory = &mut self.lanes[lane].memory;
            self.entries[slot].end(side, End::Reset, memory, handler);
        }
        self.close_if_ended(slot, time);
    }

    /// Finds the flow of a segment that opens a flow in place of another, or that comes while this is undecided.
    #[cold]
    pub(super) fn find_unusual(
        &mut self,
        slot: u32,
        carried: &Carried<'_>,
        key: FlowKey,
        handler: &mut impl Handler<S>,
    ) -> (u32, bool) {
        let from = key.from;
        let segment = carried.segment;
        let dispute = self.disputes.get_mut(&slot);
        if let Some(rival) = dispute.and_then(|dispute| dispute.rival.as_mut()) {
            let (old, new) = (&self.entries[slot], &self.entries[rival.slot]);
            let other = rival.slot;
            match choose(old, new, rival.client, segment, from) {
                Choice::Rival => return (other, false),
                Choice::Accepted => {
                    self.drop_flow(slot, handler);
                    return (other, false);
                }
                Choice::Old { shows } => {
                    if shows && !std::mem::replace(&mut rival.reported, true) {
                        let Rival {
                            frame, why, client, ..
                        } = *rival;
                        let flow = &mut self.entries[slot].flow;
                        handler.take(
                            flow,
                            client,
                            StreamEvent::Remark(Remark::SynIgnored { frame, why }),
                        );
                    }
                    return (slot, false);
                }
                Choice::New => {
                    self.drop_flow(other, handler);
                }
            }
        }
        let entry = &self.entries[slot];
        if !entry.is_reopened_by(segment, from) {
            return (slot, false);
        }
        let dispute = self.disputes.get(&slot);
        let reset = dispute.is_some_and(|dispute| dispute.reset.is_some());
        if entry.status == Status::Closed || reset {
            self.drop_flow(slot, handler);
            return (self.open(key, carried, false, handler), true);
        }
        let why = if entry.has_wrong_checksum(from, carried) {
            Ignored::Checksum
        } else {
            Ignored::GoesOn
        };
        let new = self.open(key, carried, true, handler);
        self.entries[slot].unsettle();
        self.disputes.entry(slot).or_default().rival = Some(Rival {
            slot: new,
            client: from,
            frame: carried.number,
            why,
            reported: false,
        });
        (new, true)
    }

    pub(super) fn sweep_resets(
        &mut self,
        lane: usize,
        now: Timestamp,
        handler: &mut impl Handler<S>,
    ) {
        while let Some(&Dated { slot, stream, time }) = self.lanes[lane].resets.front() {
            if now.since(time) <= SETTLED_AFTER {
                break;
            }
            self.lanes[lane].resets.pop_front();
            let entry = &self.entries[slot];
            let dispute = self.disputes.get(&slot);
            let reset = dispute.and_then(|dispute| dispute.reset);
            if entry.flow.stream == stream && reset.is_some_and(|reset| reset.time == time) {
                self.settle(slot, handler);
            }
        }
    }
}
