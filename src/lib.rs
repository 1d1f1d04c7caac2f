//! Authscope: a registration and login service over a small binary TCP protocol, and an
//! inspector that sees that protocol for what it is.
//!
//! The rooms, in the order in which bytes pass through them; each knows only those before it.
//!
//! The wire format, shared by endpoints and inspector: [`protocol`].
//!
//! What differs between operating systems: [`platform`].
//!
//! Other small protocols, described in a file: [`layout`].
//!
//! The endpoints: [`hostport`], which says where a server is, [`accounts`], [`server`],
//! [`client`].
//!
//! The inspector: [`capture`], [`packet`], [`stream`], [`tls`], [`dissect`], [`session`], [`output`],
//! [`save`], [`wireshark`], which mends and explains Wireshark, [`report`], which makes pages to pass on, [`tui`], the terminal interface, and the command
//! line, [`cli`].
//!
//! What is shown of text and octets, and what is not: [`text`].
//!
//! Questions to a capture, in Wireshark's language: [`filter`].
//!
//! What was written elsewhere, read back to be counted: [`rows`].
//!
//! Beside the way through, and only with the feature `synth`: `synth`, which makes captures for tests and benchmarks.

#![cfg_attr(
    test,
    allow(
        clippy::cast_possible_truncation,
        reason = "tests cast numbers of their own making"
    )
)]

/// The version that `--version` shows: the number, and the commit of a release build.
pub const VERSION: &str = env!("AUTHSCOPE_VERSION");

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
