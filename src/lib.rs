//! Authscope: a registration and login service over a small binary TCP protocol, and an
//! inspector for its traffic.
//!
//! The modules are listed in the order in which bytes pass through them.
//!
//! - [`platform`]: what differs between operating systems.
//! - [`protocol`]: the wire format, shared by server, client and inspector.
//! - [`layout`]: other small binary protocols, described in a file.
//! - [`hostport`], [`accounts`], [`server`], [`client`]: the service.
//! - [`capture`], [`packet`], [`stream`], [`tls`], [`dissect`], [`session`]: turn a capture into a record of each frame.
//! - [`text`]: escapes text, and hides what may be a password.
//! - [`filter`]: Wireshark's display filter language.
//! - [`rows`]: reads exchange rows back from files.
//! - [`output`], [`save`], [`wireshark`], [`report`], [`tui`]: show, write and explain the records.
//! - [`cli`]: the inspector's command line.
//! - `synth`, with the feature of that name: makes captures for tests and benchmarks.

/// The version that `--version` shows: the number, and the commit of a release build.
pub const VERSION: &str = env!("AUTHSCOPE_VERSION");

mod locks;
pub mod platform;

pub mod layout;
pub mod protocol;

pub mod accounts;
pub mod client;
pub mod hostport;
pub mod server;

pub mod capture;
pub mod dissect;
pub mod packet;
pub mod rows;
pub mod session;
pub mod stream;
pub mod tls;

pub mod text;

pub mod filter;

pub mod output;
pub mod save;
pub mod wireshark;

pub mod report;

pub mod tui;

pub mod cli;

#[cfg(any(test, feature = "synth"))]
pub mod synth;
