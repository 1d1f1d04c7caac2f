//! Background computations: reads frames of a recording again, and gives them to the modules that show them.

mod difference;
mod flow;
mod frame;
mod matching;
mod nearby;
mod save;
mod svg;
mod text;

use std::ops::ControlFlow;
use std::result::Result;
use std::sync::{Arc, Mutex, PoisonError};

pub use matching::{Found, matching};
pub use nearby::Nearby;

use super::answer::{Answer, Question};
use super::recording::{Choice, RecordedSource, Shared};
use crate::capture::{SourceError, Stop};
use crate::output::{Charset, OutputError, TimeFormat};
use crate::session::summary::Summary;
use crate::session::{FrameRecord, Inspector, Options, Remainder, Sink, run};

/// What answers are worked out from.
#[derive(Debug, Clone)]
pub struct Material {
    /// What was recorded.
    pub shared: Shared,
    /// What was counted.
    pub summary: Arc<Mutex<Summary>>,
    /// How frames are inspected.
    pub options: Options,
    /// The files that are read, which nothing may be written to.
    pub files: Vec<std::path::PathBuf>,
    /// What was worked out along with something else.
    pub nearby: Nearby,
}

impl Material {
    /// What is recorded there, of which nothing has been counted or worked out.
    #[must_use]
    pub fn new(shared: Shared, options: Options, files: Vec<std::path::PathBuf>) -> Self {
        Self {
            shared,
            summary: Arc::default(),
            options,
            files,
            nearby: Nearby::default(),
        }
    }
}

/// How answers look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Looks {
    /// Whether passwords are shown.
    pub show_passwords: bool,
    /// How times are shown.
    pub time: TimeFormat,
    /// What is drawn with.
    pub charset: Charset,
}

/// Answers a question. `stop` ends it early.
#[must_use]
pub fn answer(material: &Material, looks: Looks, question: &Question, stop: &Stop) -> Answer {
    let done = match question {
        Question::Rows(frames) => frame::rows(material, looks, frames, stop).map(Answer::Rows),
        Question::Frame(frame) => frame::detail(material, looks, *frame, stop).map(Answer::Frame),
        Question::Step(frame) => frame::detail(material, looks, *frame, stop).map(Answer::Step),
        Question::Preview(exchange) => {
            flow::preview(material, looks, *exchange, stop).map(Answer::Preview)
        }
        Question::Flow(streams) => flow::flow(material, looks, streams, stop).map(Answer::Flow),
        Question::Follow(stream, as_bytes) => {
            text::follow(material, looks, *stream, *as_bytes, stop).map(Answer::Follow)
        }
        Question::Statistics(width) => {
            let summary = material.summary.lock();
            let summary = summary.unwrap_or_else(PoisonError::into_inner);
            let statistics = text::statistics(&summary, looks, *width);
            Ok(Answer::Statistics(statistics))
        }
        Question::Explain(stream) => {
            text::explain(material, looks, *stream, stop).map(Answer::Explain)
        }
        Question::Difference(subjects) => {
            difference::difference(material, looks, *subjects, stop).map(Answer::Difference)
        }
        Question::Save(save) if !save.replaces && save.path.exists() => Ok(Answer::Exists),
        Question::Save(save) => Ok(Answer::Saved(save::save(material, looks, save, stop))),
    };
    done.unwrap_or_else(Answer::Failed)
}

/// Gives the chosen frames, inspected again, to a sink.
fn again<S: Sink>(
    material: &Material,
    choice: Choice,
    sink: &mut S,
    stop: &Stop,
) -> Result<(), String>
where
    S::Error: std::fmt::Display,
{
    again_with(material, choice, sink, stop, |_| ())
}

/// The same, inspected with these changes to the options.
fn again_with<S: Sink>(
    material: &Material,
    choice: Choice,
    sink: &mut S,
    stop: &Stop,
    change: impl FnOnce(&mut Options),
) -> Result<(), String>
where
    S::Error: std::fmt::Display,
{
    let mut options = RecordedSource::options(&material.shared, &material.options);
    change(&mut options);
    let source = RecordedSource::new(material.shared.clone(), choice, stop.clone());
    let source = source.telling(material.nearby.percent());
    let errors = run(Box::new(source), Inspector::new(&options), sink, 1);
    first_error(errors.map_err(|error| error.to_string())?)
}

/// The first error of a source, if it has any.
fn first_error(errors: Vec<SourceError>) -> Result<(), String> {
    let first = errors.into_iter().next();
    first.map_or(Ok(()), |error| Err(error.to_string()))
}

/// Goes on until this is so.
const fn until(done: bool) -> ControlFlow<()> {
    if done {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}

/// A sink that looks at records.
struct Look<F>(F);

impl<F: FnMut(&FrameRecord<'_>) -> ControlFlow<()>> Sink for Look<F> {
    type Error = OutputError;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        Ok((self.0)(record))
    }

    fn end(&mut self, _: &Remainder<'_>) -> Result<(), OutputError> {
        Ok(())
    }
}
