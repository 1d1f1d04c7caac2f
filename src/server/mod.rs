//! The server: accepts connections, answers registration and login requests through [`accounts`](crate::accounts), and stops
//! on request.

mod accept;
mod address;
mod admission;
mod answer;
mod certificate;
mod connection;
pub mod control;
mod deadline;
mod decide;
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
mod response;
mod rules;
mod serve;
mod service;
mod task;
mod throttle;
mod tls;
pub mod words;

pub use accept::{Config, Summary, run};
pub use health::Health;
pub use limits::{Policy, ServerLimits};
pub use listen::{ListenAddress, ListenAddressError, ListenError, Listeners, Purpose};
pub use log::audit::{Audit, Event as AuditEvent, STANDARD_ERROR as AUDIT_TO_STANDARD_ERROR};
pub use log::{ClientLines, Log, LogFileError, LogSettings, THREAD as LOG_THREAD};
pub use meters::{MetricsError, install as install_meters, reloaded};
pub use networks::{Networks, parse_network};
pub use page::spawn as offer_page;
pub use rules::PasswordRules;
pub use task::{is_for_one_connection, spawn as spawn_for_one_connection};
pub use tls::{Tls, TlsError, TlsFiles, TlsMode, read_certificates};
