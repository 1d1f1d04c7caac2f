//! The session's state of a flow.

use super::exchange::ExchangeState;
use super::layer::Layer;
use crate::dissect::{DissectRemains, DissectState, Note, Protocol};
use crate::stream::{Flow, HandlerState};

/// What the session keeps with a flow. What every message needs comes first, in one cache line.
#[derive(Debug, Default)]
#[repr(C)]
pub struct FlowState {
    pub(super) exchange: ExchangeState,
    pub(super) dissect: DissectState,
    /// The TLS layer below the dissector, if the stream may be TLS that can be decrypted.
    pub(super) layer: Option<Box<Layer>>,
}

impl FlowState {
    /// The states of the dissector and of pairing.
    #[inline]
    pub(super) const fn split(&mut self) -> (&mut DissectState, &mut ExchangeState) {
        (&mut self.dissect, &mut self.exchange)
    }

    /// The stream's protocol, as far as known; for decrypted TLS, the protocol inside it.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        use Protocol::{Data, Tls, Unknown};
        match self.dissect.protocol() {
            Unknown | Data if self.is_tls() => Tls,
            protocol => protocol,
        }
    }

    /// The protocol directly above TCP.
    #[must_use]
    pub fn on_tcp(&self) -> Protocol {
        if self.is_tls() {
            Protocol::Tls
        } else {
            self.dissect.protocol()
        }
    }

    /// Results of [`protocol`](Self::protocol) and [`on_tcp`](Self::on_tcp).
    #[inline]
    pub(super) fn protocols(&self) -> [Protocol; 2] {
        if self.layer.is_some() {
            return [self.protocol(), self.on_tcp()];
        }
        [self.dissect.protocol(); 2]
    }

    /// Whether the stream's protocol has messages.
    #[inline]
    pub(super) fn has_messages(&self) -> bool {
        self.dissect.decided().has_messages()
    }

    /// A note if this frame of the flow carried bytes of a message that is still incomplete.
    #[inline]
    #[must_use]
    pub fn begun(flow: &Flow<Self>, frame: u64) -> Option<Note> {
        let dissect = &flow.state.dissect;
        if !dissect.holds() {
            return None;
        }
        dissect.begun(frame, flow.is_watched(), |side| flow.role(side).sends())
    }

    /// Whether the stream is treated as TLS, or may turn out to be TLS.
    #[inline]
    pub(super) fn may_be_tls(&self) -> bool {
        self.layer.is_some() || self.dissect.decided() == Protocol::Unknown
    }

    /// Whether the stream's bytes go through the TLS layer.
    pub(super) fn is_decrypted(&self) -> bool {
        let layer = self.layer.as_ref();
        layer.is_some_and(|layer| !layer.given_up)
    }

    fn is_tls(&self) -> bool {
        self.layer
            .as_ref()
            .is_some_and(|layer| layer.is_certain && !layer.is_something_else)
    }
}

impl HandlerState for FlowState {
    type Remains = DissectRemains;

    fn remains(&self) -> Option<DissectRemains> {
        let is_needed = self.layer.is_some() || self.exchange.has_any();
        self.dissect.remains().filter(|_| !is_needed)
    }

    fn of_remains(remains: DissectRemains) -> Self {
        Self {
            dissect: DissectState::of_remains(remains),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;

    #[test]
    fn what_a_message_needs_is_in_one_line_of_the_cache() {
        let rare = offset_of!(FlowState, dissect) + DissectState::RARE;
        assert!(rare <= 64, "{rare} bytes before what few messages need");
    }
}
