//! What the programs for Windows promise, tried on Linux with wine: `make test-windows` builds them and runs this. What wine
//! cannot show is listed in docs/windows.md.

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
