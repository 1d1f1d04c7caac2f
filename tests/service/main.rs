//! Tests of what the documentation promises about the server and the client, with the real programs. Each file tests
//! one promise.

#![allow(clippy::cast_possible_truncation, reason = "numbers of its own making")]

#[path = "../support/database.rs"]
#[cfg(feature = "postgres")]
mod database;
#[path = "../support/faults.rs"]
mod faults;
#[path = "../support/need.rs"]
mod need;
#[path = "../support/programs.rs"]
mod programs;
#[path = "../support/proxied.rs"]
mod proxied;
#[path = "../support/terminal.rs"]
mod terminal;
#[path = "../support/wrong_server.rs"]
mod wrong_server;

mod accounts_conformance;
mod accounts_crypt;
mod accounts_disk_trouble;
mod accounts_faults;
mod accounts_kill;
mod accounts_names;
mod accounts_same_name;
mod accounts_startup;
mod accounts_takeover;
mod accounts_upgrade;
mod accounts_users_command;
mod addresses;
mod client_check;
mod client_limits;
mod client_prompt;
mod control_socket;
mod control_users;
mod failures_conformance;
mod installing;
mod operations;
#[cfg(feature = "postgres")]
mod postgres_failover;
#[cfg(feature = "postgres")]
mod postgres_shared;
#[cfg(feature = "postgres")]
mod postgres_start;
#[cfg(feature = "postgres")]
mod postgres_users;
mod server_audit;
mod server_busy;
mod server_config;
mod server_descriptors;
mod server_fairness;
mod server_flood;
mod server_framing;
mod server_guessing;
mod server_limits;
mod server_log;
mod server_log_rate;
mod server_log_rotation;
mod server_main_path;
mod server_memory;
mod server_metrics;
mod server_policy;
mod server_pressure;
mod server_proxy;
mod server_service;
mod server_shutdown;
mod server_tls;
mod server_tls_reload;
