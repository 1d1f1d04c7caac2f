//! The server: listens, answers registration and login requests, and stops when it is told to.
//!
//! Connections enter; what is asked on them goes to [`accounts`](crate::accounts), and the answers
//! leave.

mod accept;
mod address;
mod admission;
mod answer;
mod certificate;
mod connection;
pub mod control;
mod end;
mod health;
mod limits;
mod listen;
mod log;
mod logins;
mod meters;
mod networks;
mod page;
mod proxy;
mod read_ahead;
mod rules;
mod serve;
mod task;
mod throttle;
mod tls;
pub mod words;

pub use accept::{Config, Summary, run};
pub use health::Health;
pub use limits::{Limits, Policy};
pub use listen::{ListenAddress, ListenAddressError, ListenError, Listeners, Purpose};
pub use log::audit::{Audit, Event as AuditEvent, STANDARD_ERROR as AUDIT_TO_STANDARD_ERROR};
pub use log::{ClientLines, Log, LogFileError, LogSettings, THREAD as LOG_THREAD};
pub use meters::{MetricsError, install as install_meters, reloaded};
pub use networks::{Networks, parse_network};
pub use page::spawn as offer_page;
pub use rules::PasswordRules;
pub use task::{is_for_one_connection, spawn as spawn_for_one_connection};
pub use tls::{Tls, TlsError, TlsFiles, TlsMode, read_certificates};
