//! The session's state of a flow.

use super::exchange::ExchangeState;
use super::layer::Layer;
use crate::dissect::{DissectState, Note, Protocol};
use crate::stream::Flow;

/// What is kept with a flow above its bytes; first what is asked with every segment.
#[derive(Debug, Default)]
#[repr(C)]
pub struct FlowState {
    pub(super) dissect: DissectState,
    pub(super) exchange: ExchangeState,
    /// TLS below what is dissected, where it can be decrypted.
    pub(super) layer: Option<Box<Layer>>,
}

impl FlowState {
    /// What the dissector keeps, and what waits to be paired.
    #[inline]
    pub(super) const fn split(&mut self) -> (&mut DissectState, &mut ExchangeState) {
        (&mut self.dissect, &mut self.exchange)
    }

    /// What the stream speaks, as far as it is known: above TLS, where that was decrypted.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        use Protocol::{Data, Tls, Unknown};
        match self.dissect.protocol() {
            Unknown | Data if self.is_tls() => Tls,
            protocol => protocol,
        }
    }

    /// What the stream speaks right above TCP.
    #[must_use]
    pub fn on_tcp(&self) -> Protocol {
        if self.is_tls() {
            Protocol::Tls
        } else {
            self.dissect.protocol()
        }
    }

    /// What the stream speaks as far as it is known, and right above TCP.
    #[inline]
    pub(super) fn protocols(&self) -> [Protocol; 2] {
        if self.layer.is_some() {
            return [self.protocol(), self.on_tcp()];
        }
        [self.dissect.protocol(); 2]
    }

    /// Whether the stream speaks what has messages.
    #[inline]
    pub(super) fn has_messages(&self) -> bool {
        self.dissect.decided().has_messages()
    }

    /// What is to be said of a message that this frame of the flow carried bytes of, and that is
    /// not whole.
    #[inline]
    #[must_use]
    pub fn begun(flow: &Flow<Self>, frame: u64) -> Option<Note> {
        let dissect = &flow.state.dissect;
        if !dissect.holds() {
            return None;
        }
        dissect.begun(frame, flow.is_watched(), |side| flow.role(side).sends())
    }

    /// Whether it is TLS that is looked into, or was, or what comes next may turn out to be.
    #[inline]
    pub(super) fn may_be_tls(&self) -> bool {
        self.layer.is_some() || self.dissect.decided() == Protocol::Unknown
    }

    /// Whether it is, or may be, TLS that is looked into.
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
