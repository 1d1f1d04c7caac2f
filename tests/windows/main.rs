//! Tests of what the documentation promises about the programs for Windows, run on Linux with wine: `make test-windows`
//! builds and runs them. docs/windows.md lists what wine cannot test.

#[path = "../support/need.rs"]
mod need;
#[path = "../support/programs.rs"]
mod programs;
mod wine;

mod captures;
mod kills;
mod live;
mod service;
mod wireshark;
