//! What is saved and how: the arguments that every command with frames has, and their output.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;

use super::error::Failure;
use super::source::Limited;
use crate::capture::{CaptureWriter, FrameSource, ReadOptions, WriteOptions, open_all};
use crate::output::{OutputError, Rows, Save, SaveOptions, Select, Survey, Tee};
use crate::session::{self, Inspector, Options};

#[derive(Debug, Args)]
#[command(next_help_heading = "Saving")]
pub(super) struct SaveArguments {
    /// Save the frames as pcapng; - is standard output, in place of rows.
    #[arg(short = 'w', long = "write", value_name = "FILE")]
    path: Option<PathBuf>,

    /// Say in a comment on each message's frame what the message is, for programs that do not
    /// know the protocol.
    #[arg(long, requires = "path")]
    annotate: bool,

    /// Replace every password by asterisks, so that the capture can be given to others.
    #[arg(long, requires = "path")]
    redact: bool,
}

/// Capture files that are read, and how far.
pub(super) struct Inputs<'a> {
    /// The files.
    pub files: &'a [PathBuf],
    /// The most frames read of them.
    pub count: Option<u64>,
    /// How they are inspected.
    pub options: &'a Options,
    /// Set when the run is to end.
    pub stop: &'a Arc<AtomicBool>,
}

impl SaveArguments {
    /// Where to save, if at all.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    fn options(&self) -> SaveOptions {
        SaveOptions {
            annotate: self.annotate,
            redact: self.redact,
        }
    }

    /// Adds the file that frames are saved to, where there is one. Files are read an extra time
    /// where something must be known of all of them before the first frame is saved.
    pub fn add_to(
        &self,
        tee: &mut Tee<'_>,
        inputs: Option<&Inputs<'_>>,
        packet_buffered: bool,
    ) -> Result<(), Failure> {
        let Some(path) = self.path() else {
            return Ok(());
        };
        let files = inputs.map_or(&[][..], |inputs| inputs.files);
        let options = WriteOptions {
            packet_buffered,
            redacted: self.redact,
            ..WriteOptions::default()
        };
        let writer = CaptureWriter::create(path, files, &options).map_err(OutputError::Capture)?;
        let mut survey = Survey::new(self.options());
        if let Some(inputs) = inputs.filter(|inputs| inputs.can_be_read_twice()) {
            while survey.wants_more() {
                inputs.read(&mut survey)?;
            }
        }
        tee.add(Save::new(writer, Select::all(Rows::All), survey));
        Ok(())
    }
}

impl Inputs<'_> {
    fn can_be_read_twice(&self) -> bool {
        let again = |file: &PathBuf| file.as_os_str() != "-" && file.is_file();
        self.files.iter().all(again)
    }

    /// Reads everything through `survey`. What is damaged is said when it is read for good.
    fn read(&self, survey: &mut Survey) -> Result<(), Failure> {
        let source = open_all(self.files, ReadOptions::default())?;
        source.stop_on(self.stop);
        let source = Limited::new(source, self.count, Arc::clone(self.stop));
        let source: Box<dyn FrameSource + Send> = Box::new(source);
        session::run(source, &mut Inspector::new(self.options), survey, 2)?;
        Ok(())
    }
}
