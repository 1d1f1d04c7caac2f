//! Authscope: a registration and login service over a small binary TCP protocol, and an
//! inspector that sees that protocol for what it is.
//!
//! The rooms, in the order in which bytes pass through them; each knows only those before it.

pub mod protocol;

pub mod accounts;
pub mod client;
pub mod server;

pub mod capture;
pub mod packet;

/// Beside the way through: what makes captures for tests and benchmarks.
pub mod synth;
