//! The destination of log lines: standard error or a file.

use std::fs::File;
use std::io;

use crate::platform;

/// Takes whole lines.
pub struct Output {
    file: Option<File>,
    /// Whether the last line was written only in part.
    torn: bool,
}

impl Output {
    /// Lines go to standard error.
    pub const fn standard_error() -> Self {
        Self {
            file: None,
            torn: false,
        }
    }

    /// Lines go to the end of a file.
    pub const fn file(file: File) -> Self {
        Self {
            file: Some(file),
            torn: false,
        }
    }

    /// Writes a line, however long that takes. After a partly written line, the next one starts on a new line.
    pub fn write_line(&mut self, line: &[u8]) -> io::Result<()> {
        if self.torn {
            self.write_all(b"\n").map_err(|(_, error)| error)?;
            self.torn = false;
        }
        self.write_all(line).map_err(|(written, error)| {
            self.torn = written > 0;
            error
        })
    }

    /// Writes all bytes; an error tells how many were written before it.
    fn write_all(&self, octets: &[u8]) -> Result<(), (usize, io::Error)> {
        let mut written = 0;
        while written < octets.len() {
            match platform::file::write_log(self.file.as_ref(), &octets[written..]) {
                Ok(0) => return Err((written, io::ErrorKind::WriteZero.into())),
                Ok(len) => written += len,
                Err(error) => return Err((written, error)),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_torn_line_does_not_run_into_the_next() {
        let (mut reader, writer) = io::pipe().unwrap();
        let writer: std::os::fd::OwnedFd = writer.into();
        let mut output = Output::file(writer.into());
        output.torn = true;
        output.write_line(b"whole\n").unwrap();
        drop(output);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "\nwhole\n");
    }

    #[test]
    fn a_full_non_blocking_pipe_is_waited_for() {
        let (mut reader, writer) = io::pipe().unwrap();
        let writer: std::os::fd::OwnedFd = writer.into();
        rustix::io::ioctl_fionbio(&writer, true).unwrap();
        let mut output = Output::file(writer.into());
        let thread = std::thread::spawn(move || {
            for _ in 0..3000 {
                output.write_line(&[b'x'; 64]).unwrap();
            }
        });
        let mut octets = Vec::new();
        reader.read_to_end(&mut octets).unwrap();
        thread.join().unwrap();
        assert_eq!(octets.len(), 3000 * 64);
    }
}
