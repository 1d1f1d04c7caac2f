//! The inspector with libpcap: what `authscope` goes on as where it captures. Only this program links that library, and only
//! it needs the right to capture.

mod libpcap;

use std::process::ExitCode;

fn main() -> ExitCode {
    authscope::cli::main_with(&libpcap::Libpcap)
}
