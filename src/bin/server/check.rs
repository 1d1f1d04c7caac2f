//! `authscope-server users check`: reports every fault of a passwd file, and the rows of a database that cannot be
//! used.

use std::io::{self, Write};
use std::path::Path;

use authscope::accounts::{Editor, End, Entry, Stored};
use authscope::protocol::UserName;

use crate::Outcome;
use crate::listing::write_out;
use crate::users::{Users, code};

/// Reports the rows of a database that cannot be used.
pub fn check_rows(users: &dyn Users) -> Outcome {
    let (mut sound, mut faults) = (0_u64, 0_u64);
    let mut stderr = io::stderr().lock();
    users.for_each(&mut |Entry { name, hash, .. }| {
        let name_fault = UserName::new(&*name).err().map(|error| error.to_string());
        let hash_fault = Stored::parse(&hash).err().map(|error| error.to_string());
        match name_fault.or(hash_fault) {
            None => {
                sound += 1;
                Ok(())
            }
            Some(fault) => {
                faults += 1;
                let name = name.escape_debug();
                writeln!(stderr, "authscope-server: user \"{name}\": {fault}")
            }
        }
    })?;
    write_out(|out| writeln!(out, "users: {sound}\nfaults: {faults}"))?;
    Ok(code(faults == 0))
}

/// Reports every fault of a passwd file.
pub fn check(passwd: &Path) -> Outcome {
    let editor = Editor::check(passwd)?;
    let report = editor.report();
    let mut stderr = io::stderr().lock();
    for fault in report.faults {
        writeln!(stderr, "authscope-server: {fault}")?;
    }
    write_out(|out| {
        writeln!(out, "users: {}", report.users)?;
        writeln!(out, "lines out of use: {}", report.unused)?;
        writeln!(out, "replaced hashes: {}", report.replaced)?;
        let changed = if report.edited { "yes" } else { "no" };
        writeln!(out, "lines changed by hand: {changed}")?;
        let end = match report.end {
            End::Complete => "complete".to_owned(),
            End::Unended(line) => format!("line {line} has no line break"),
            End::Torn(torn) => format!("line {} is torn ({} bytes)", torn.line, torn.octets),
        };
        writeln!(out, "end of the file: {end}")?;
        writeln!(out, "faults: {}", report.faults.len())
    })?;
    Ok(code(report.faults.is_empty()))
}
