//! The inspector linked with libpcap: `authscope` replaces itself by this program to capture. Only this program links
//! the library, and only it needs the permission to capture.

mod libpcap;

use std::process::ExitCode;

fn main() -> ExitCode {
    authscope::cli::main_with(&libpcap::Libpcap)
}
