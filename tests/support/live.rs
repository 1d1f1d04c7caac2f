//! A running `authscope live`.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::inspector::command;
use crate::need::skip;

/// A running live capture.
pub struct Live {
    pub child: Child,
    pub rows: BufReader<ChildStdout>,
    /// What it said before it captured.
    pub said: String,
}

impl Live {
    /// Starts one on loopback and waits until it captures; `None`, loudly, without the right to.
    pub fn start(arguments: &[&str]) -> Option<Self> {
        let mut command = command(&[&["live"], arguments].concat());
        command.env_remove("SSLKEYLOGFILE");
        Self::of(command)
    }

    /// The same of a command that is to capture.
    pub fn of(mut command: Command) -> Option<Self> {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        loop {
            let mut line = String::new();
            let more = stderr.read_line(&mut line).unwrap() > 0;
            if line.contains("capturing on") {
                break;
            }
            said.push_str(&line);
            if !more {
                let code = child.wait().unwrap().code();
                assert_eq!(code, Some(2), "{said}");
                assert!(
                    said.contains("sudo") || said.contains("authscope-capture"),
                    "{said}"
                );
                skip("capture", said);
                return None;
            }
        }
        // Nothing follows the line before there is traffic, so that nothing is lost with the reader.
        assert!(stderr.buffer().is_empty());
        child.stderr = Some(stderr.into_inner());
        let rows = BufReader::new(child.stdout.take().unwrap());
        Some(Self { child, rows, said })
    }

    /// The next row, as soon as it is written.
    pub fn row(&mut self) -> String {
        let mut row = String::new();
        self.rows.read_line(&mut row).unwrap();
        assert!(row.ends_with('\n'), "the rows ended");
        row
    }

    /// Sends a signal and gives the exit code and what was said in the end.
    pub fn end(self, signal: &str) -> (Option<i32>, String) {
        let (code, summary, _) = self.end_with_rows(signal);
        (code, summary)
    }

    /// The same, with the rows that were not read.
    pub fn end_with_rows(mut self, signal: &str) -> (Option<i32>, String, String) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );
        let mut rest = String::new();
        self.rows.read_to_string(&mut rest).unwrap();
        let mut summary = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut summary)
            .unwrap();
        (self.child.wait().unwrap().code(), summary, rest)
    }
}

/// A process that is ended with the test.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
