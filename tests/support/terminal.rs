//! A terminal of some width, and what a program shows on it.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::inspector::command;

/// The lines that the inspector writes to standard output where that is a terminal of so many columns, without colours.
pub fn shown_in(columns: u16, arguments: &[&str]) -> Vec<String> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&master).expect("a terminal");
    unlockpt(&master).expect("a terminal");
    let size = Winsize {
        ws_row: 24,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&master, size).expect("a terminal's size");
    let name = ptsname(&master, Vec::new()).expect("its name");
    let terminal = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(i32::try_from(OpenptFlags::NOCTTY.bits()).expect("a flag"))
        .open(name.to_str().expect("its name"))
        .expect("a terminal");
    let mut command = command(arguments);
    command.env("NO_COLOR", "1").env("LC_ALL", "C.UTF-8");
    command.stdout(Stdio::from(terminal)).stderr(Stdio::null());
    let mut child = command.spawn().expect("the inspector runs");
    // Its own end of the terminal is with the command, so that there is an end of what is shown.
    drop(command);
    let mut shown = Vec::new();
    let mut octets = [0; 4096];
    let mut master = File::from(master);
    // Linux says with an error that nobody has the terminal open any more.
    while let Ok(read @ 1..) = master.read(&mut octets) {
        shown.extend_from_slice(&octets[..read]);
    }
    child.wait().expect("it ends");
    let shown = String::from_utf8(shown).expect("UTF-8");
    shown.lines().map(str::to_owned).collect()
}
