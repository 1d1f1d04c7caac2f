//! The server: listens, answers registration and login requests, and stops when it is told to.
//!
//! Connections enter; what is asked on them goes to [`accounts`](crate::accounts), and the answers
//! leave.

mod accept;
mod address;
mod answer;
mod connection;
mod limits;
mod meters;
mod serve;
mod throttle;
mod tls;

pub use accept::{Config, Summary, run};
pub use answer::words;
pub use limits::{Limits, Policy};
pub use meters::{MetricsError, publish};
pub use tls::{Tls, TlsError, TlsMode, read_certificates};
