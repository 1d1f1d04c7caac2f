//! Measures the server against what the machine can do without it, and writes tables into `docs/performance.md`.
//! `make bench-server` runs it; it takes about three minutes. `cargo bench --bench server -- flooded` measures only a flooded
//! server, `-- database` only users in PostgreSQL.
//!
//! What is compared runs in turns, in one run, on the same cores, over loopback.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "numbers of its own making"
)]

mod compare;
mod fairness;
mod load;
mod place;
mod postgres;
mod slapd;

#[path = "../../tests/support/database.rs"]
mod database;
#[path = "../../tests/support/need.rs"]
mod need;
#[path = "../../tests/support/programs.rs"]
mod programs;
#[path = "../report/mod.rs"]
mod report;

use report::Report;

fn main() {
    // Cargo runs benchmarks under `cargo test --benches` as well; there is nothing to test here.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    place::raise_descriptor_limit();
    let named = |part: &&str| std::env::args().any(|argument| argument == **part);
    if named(&"counted") {
        return compare::counted();
    }
    let part = ["flooded", "database"].into_iter().find(named);
    if part.is_none() {
        performance();
    }
    if part != Some("flooded") {
        on_a_database();
    }
    if part != Some("database") {
        flooded();
    }
}

fn flooded() {
    let mut report = Report::start(
        "## A flooded server",
        "`make bench-server`. The server has its default limits; the clients run on the same cores.",
    );
    fairness::beside_a_flood(&mut report);
    report.write();
}

fn performance() {
    let mut report = Report::start(
        "## Server",
        "`make bench-server`, all in one run. The programs compared run in turn, over\n\
         loopback, on cores shared with their clients.",
    );
    compare::hashing(&mut report);
    compare::requests(&mut report);
    compare::registrations(&mut report);
    compare::idle_connections(&mut report);
    compare::many_users(&mut report);
    slapd::binds(&mut report);
    report.write();
}

fn on_a_database() {
    let mut report = Report::start(
        "## Users in PostgreSQL",
        "`make bench-server`, all in one run. Database, servers and clients share the\n\
         cores, and the programs compared run in turn; the database syncs its commits.",
    );
    if postgres::compare(&mut report) {
        report.write();
    }
}
