//! A terminal for programs that behave differently on one, and what they print there.
#![allow(dead_code)] // Each test crate uses its own part.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::programs::PATIENCE;

/// A pseudo-terminal.
pub struct Terminal {
    keyboard: File,
    /// Keeps the terminal there when the program has ended.
    end: File,
    screen: Arc<Mutex<Vec<u8>>>,
    reading: JoinHandle<()>,
}

const fn size(rows: u16, columns: u16) -> Winsize {
    Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

impl Terminal {
    /// One of 80 columns.
    pub fn open() -> Self {
        Self::of_width(80)
    }

    /// One of 24 rows.
    pub fn of_width(columns: u16) -> Self {
        Self::of_size(24, columns)
    }

    pub fn of_size(rows: u16, columns: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        // A program that had this end too would never see the terminal go away.
        fcntl_setfd(&master, FdFlags::CLOEXEC).expect("a terminal");
        grantpt(&master).expect("a terminal");
        unlockpt(&master).expect("a terminal");
        let name = ptsname(&master, Vec::new()).expect("its name");
        let end = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(i32::try_from(OpenptFlags::NOCTTY.bits()).unwrap())
            .open(name.to_str().expect("its name"))
            .expect("a terminal");
        tcsetwinsize(&end, size(rows, columns)).expect("a terminal");
        let keyboard = File::from(master);
        let mut output = keyboard.try_clone().expect("a terminal");
        let screen = Arc::<Mutex<Vec<u8>>>::default();
        let collected = Arc::clone(&screen);
        let reading = std::thread::spawn(move || {
            let mut octets = [0; 1024];
            // Linux says with an error that nobody has the terminal open any more.
            while let Ok(read @ 1..) = output.read(&mut octets) {
                collected.lock().unwrap().extend_from_slice(&octets[..read]);
            }
        });
        Self {
            keyboard,
            end,
            screen,
            reading,
        }
    }

    /// The end that is given to a program.
    pub fn stdio(&self) -> Stdio {
        Stdio::from(self.end.try_clone().expect("a terminal"))
    }

    /// Gives it another size, of which its program has to be told.
    pub fn resize(&self, rows: u16, columns: u16) {
        tcsetwinsize(&self.end, size(rows, columns)).expect("another size");
    }

    /// What was written behind the first `at` bytes.
    pub fn octets_from(&self, at: usize) -> Vec<u8> {
        self.screen.lock().unwrap()[at..].to_vec()
    }

    /// Everything that was written so far.
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).replace('\r', "")
    }

    /// Everything that was written, once no program has the terminal any more.
    pub fn end(self) -> String {
        let Self {
            keyboard,
            end,
            screen,
            reading,
        } = self;
        drop(end);
        reading.join().expect("no panic");
        drop(keyboard);
        let screen = screen.lock().unwrap();
        String::from_utf8_lossy(&screen).replace('\r', "")
    }

    pub fn wait_for(&self, part: &str) {
        self.wait_until(part, |screen| screen.contains(part));
    }

    /// Waits until what was written is as it should be.
    pub fn wait_until(&self, what: &str, is_so: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(&self.screen()) {
            assert!(Instant::now() < deadline, "{what:?}: {:?}", self.screen());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether what is typed is shown.
    pub fn echoes(&self) -> bool {
        let modes = tcgetattr(&self.end).expect("its modes").local_modes;
        modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }

    pub fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("keys");
    }
}
