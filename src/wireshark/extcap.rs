//! Authscope as a capture source of Wireshark (extcap): a live capture with Authscope's findings as packet comments.
//!
//! Wireshark starts the program several times to ask for its interfaces and options, and then to capture into a named pipe
//! (Wireshark's extcap(4)).

use std::ops::ControlFlow;
use std::path::Path;

use crate::capture::{Aside, Batch, CaptureWriter, WriteOptions};
use crate::output::OutputError;
use crate::protocol::layout::DEFAULT_PORT;
use crate::save::comment;
use crate::session::{FrameRecord, Remainder, Sink};

/// The interface's name in Wireshark's arguments.
pub const INTERFACE: &str = "authscope";

/// The interface's name in Wireshark's list.
pub const DISPLAY: &str = "Authscope: RegLogin on loopback";

/// The loopback interface's link type: number, name, description. Wireshark asks for it in advance; what counts is the link
/// type in the capture.
const DLT: (u32, &str, &str) = if cfg!(target_os = "linux") {
    (1, "EN10MB", "Ethernet")
} else {
    (0, "NULL", "BSD loopback")
};

/// The answer to `--extcap-interfaces`.
#[must_use]
pub fn interfaces() -> String {
    format!(
        "extcap {{version={}}}{{display=Authscope}}\ninterface {{value={INTERFACE}}}{{display={DISPLAY}}}\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// The answer to `--extcap-dlts`.
#[must_use]
pub fn dlts() -> String {
    let (number, name, display) = DLT;
    format!("dlt {{number={number}}}{{name={name}}}{{display={display}}}\n")
}

/// The answer to `--extcap-config`: the options, for which Wireshark shows a dialog.
#[must_use]
pub fn config() -> String {
    format!(
        "arg {{number=0}}{{call=--interface}}{{display=Interface}}\
         {{tooltip=The network interface; empty is loopback}}{{type=string}}\n\
         arg {{number=1}}{{call=--port}}{{display=TCP port of the server}}\
         {{tooltip=Where RegLogin is expected}}{{type=unsigned}}{{range=1,65535}}{{default={DEFAULT_PORT}}}\n\
         arg {{number=2}}{{call=--all}}{{display=All TCP ports}}\
         {{tooltip=Find RegLogin on any port}}{{type=boolflag}}{{default=false}}\n\
         arg {{number=3}}{{call=--tls-keylog}}{{display=TLS key log}}\
         {{tooltip=A file with secrets of TLS connections, which are decrypted then}}{{type=fileselect}}{{mustexist=false}}\n\
         arg {{number=4}}{{call=--layout}}{{display=Layout file}}\
         {{tooltip=A file that describes another protocol, which is then found as RegLogin is}}{{type=fileselect}}{{mustexist=true}}\n"
    )
}

/// Writes frames as they come, with comments on those that have messages or notes.
pub struct AnnotateSink {
    writer: CaptureWriter,
}

impl AnnotateSink {
    /// Opens the pipe that Wireshark made, or a file.
    ///
    /// # Errors
    ///
    /// If it cannot be opened or written.
    pub fn open(path: &Path) -> Result<Self, OutputError> {
        let options = WriteOptions {
            packet_buffered: true,
            ..WriteOptions::default()
        };
        let writer = CaptureWriter::create(path, &[], &options)?;
        Ok(Self { writer })
    }
}

/// The comments on a frame: about its messages, messages of earlier frames that were recognised late, and its stream. They
/// have the words of saved captures.
#[must_use]
pub fn comments(record: &FrameRecord<'_>) -> Vec<String> {
    let number = record.frame.number;
    let messages = record.messages.iter().map(|message| {
        let said = comment::message(message);
        if message.frame == number {
            said
        } else {
            format!("in frame {}: {said}", message.frame)
        }
    });
    messages
        .chain(
            record
                .notes
                .iter()
                .map(|noted| comment::stream(noted, record.protocol)),
        )
        .collect()
}

impl Sink for AnnotateSink {
    type Error = OutputError;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        self.writer.frame(&record.frame, Some(&comments(record)))?;
        Ok(ControlFlow::Continue(()))
    }

    fn aside(&mut self, aside: &Aside, batch: &Batch) -> Result<(), OutputError> {
        self.writer.aside(batch, &aside.what);
        Ok(())
    }

    fn pause(&mut self) -> Result<ControlFlow<()>, OutputError> {
        self.writer.pause()?;
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, _: &Remainder<'_>) -> Result<(), OutputError> {
        Ok(self.writer.finish()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_in_the_form_that_wireshark_reads() {
        for line in [interfaces(), dlts(), config()].concat().lines() {
            let (word, rest) = line.split_once(' ').unwrap();
            assert!(["extcap", "interface", "dlt", "arg"].contains(&word));
            assert!(rest.starts_with('{') && rest.ends_with('}'), "{line}");
            assert_eq!(rest.matches('{').count(), rest.matches('}').count());
        }
    }
}
