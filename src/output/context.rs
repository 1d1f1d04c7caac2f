//! What outputs need to know of a frame besides its record: times, TCP analysis, and whether the filter matches. It is
//! computed once per frame and passed to each output of a [`Group`].

use std::cell::Cell;
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::rc::Rc;

use super::answers::Answers;
use super::clock::{TimeDisplay, TimeFormat};
use super::origin::Origin;
use super::tee::OutputError;
use crate::capture::{Aside, Batch};
use crate::dissect::Message;
use crate::filter::{Filter, Needs, Responses, View};
use crate::session::{Exchange, FrameRecord, GivenUp, Remainder, Sink};
use crate::stream::{Analysis, Analyzer};
use crate::text::secret::TagKey;

/// What is known of the current frame besides its record.
#[derive(Debug, Default)]
pub struct Context {
    filter: Option<Filter>,
    /// Whether bytes that may be part of a password are shown (`--show-passwords`).
    pub show_passwords: bool,
    /// The key of the tags by which equal passwords can be recognised, in rows of exchanges.
    pub tag_key: Option<TagKey>,
    /// The times of frames, and their format.
    pub clock: TimeDisplay,
    /// The capture that each frame is from.
    pub origin: Origin,
    analyzer: Option<Analyzer>,
    analysis: Option<Analysis>,
    answers: Option<Rc<Answers>>,
    /// Whether the filter matches the current frame, once it was evaluated.
    taken: Option<bool>,
    matched: Cell<bool>,
    findings: Findings,
}

/// Whether rows show the findings of TCP analysis, such as retransmissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Findings {
    /// No row shows them.
    #[default]
    Untold,
    /// Rows of all frames show them.
    Told,
    /// Only frames of watched connections are analysed, and show them.
    ToldOfWatched,
}

impl Context {
    /// A context that provides what `needs` asks for, including what the filter needs. `answers`: the responses from an
    /// earlier pass, if they are needed.
    #[must_use]
    pub fn new(
        filter: Option<Filter>,
        needs: Needs,
        answers: Option<Rc<Answers>>,
        show_passwords: bool,
    ) -> Self {
        Self {
            filter,
            show_passwords,
            analyzer: needs.analysis.then(Analyzer::default),
            answers,
            ..Self::default()
        }
    }

    /// Sets the format of times.
    #[must_use]
    pub fn timed(self, format: TimeFormat) -> Self {
        Self {
            clock: TimeDisplay::new(format),
            ..self
        }
    }

    /// Sets the captures that are read.
    #[must_use]
    pub fn reading(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// Sets the key for the tags of passwords.
    #[must_use]
    pub fn tagging(self, tag_key: Option<TagKey>) -> Self {
        Self { tag_key, ..self }
    }

    /// Sets which rows show the findings of TCP analysis, and turns the analysis on if needed.
    #[must_use]
    pub fn telling(mut self, findings: Findings) -> Self {
        if findings != Findings::Untold {
            self.analyzer.get_or_insert_default();
        }
        self.findings = findings;
        self
    }

    /// Makes the next frame the current one.
    pub fn advance(&mut self, record: &FrameRecord<'_>) {
        let time = record.frame.header.time;
        self.clock.see(time);
        self.origin.advance(record);
        self.taken = None;
        if let Some(analyzer) = &mut self.analyzer {
            self.analysis = None;
            if let (Some(segment), Some(placement)) = (record.segment(), record.placement)
                && (self.findings != Findings::ToldOfWatched || record.is_watched())
            {
                let number = record.frame.number;
                self.analysis = Some(analyzer.push(number, time, segment, placement));
            }
            for flow in record.ended_flows {
                analyzer.end(flow.stream);
            }
        }
    }

    /// Whether the filter matches the current frame, or there is none.
    pub fn takes(&mut self, record: &FrameRecord<'_>) -> bool {
        if let Some(taken) = self.taken {
            return taken;
        }
        let Some(filter) = &self.filter else {
            self.clock.displayed();
            return true;
        };
        let taken = filter.matches(&self.view(record));
        self.taken = Some(taken);
        if taken {
            self.matched.set(true);
            self.clock.displayed();
        }
        taken
    }

    /// Whether the filter matches a message of an earlier frame, or one that no frame completed.
    pub fn takes_late(&self, message: &Message) -> bool {
        let Some(filter) = &self.filter else {
            return true;
        };
        let taken = self.late(message, |view| filter.matches(view));
        self.matched.set(self.matched.get() || taken);
        taken
    }

    /// Whether the filter matches an exchange.
    pub fn takes_exchange(&self, exchange: &Exchange) -> bool {
        let Some(filter) = &self.filter else {
            return true;
        };
        let taken = self.exchange(exchange, |view| filter.matches(view));
        self.matched.set(self.matched.get() || taken);
        taken
    }

    /// Whether there is a filter.
    #[must_use]
    pub const fn has_filter(&self) -> bool {
        self.filter.is_some()
    }

    /// Whether there is a filter that nothing has matched.
    #[must_use]
    pub fn has_missed(&self) -> bool {
        self.filter.is_some() && !self.matched.get()
    }

    /// Appends what TCP analysis finds in the current frame, if rows show it: `[TCP Retransmission] `.
    pub fn write_findings(&self, out: &mut String) {
        let analysis = self.analysis.as_ref();
        let told = analysis.filter(|_| self.findings != Findings::Untold);
        for label in told.into_iter().flat_map(Analysis::labels) {
            let _ = write!(out, "[{label}] ");
        }
    }

    /// Takes something in a capture that is not a frame, such as an interface.
    pub fn aside(&mut self, aside: &Aside) {
        self.origin.aside(aside);
    }

    /// The current frame, as filters and fields see it.
    #[must_use]
    pub fn view<'a>(&'a self, record: &'a FrameRecord<'a>) -> View<'a> {
        let answers = self.answers.as_deref();
        View {
            analysis: self.analysis.as_ref(),
            responses: answers.map(|answers| answers as &dyn Responses),
            show_passwords: self.show_passwords,
            file: self.origin.path(record),
            ..View::new(record, self.clock.times())
        }
    }

    /// Calls `show` with a view of both messages of an exchange.
    pub fn exchange<T>(&self, exchange: &Exchange, show: impl FnOnce(&View<'_>) -> T) -> T {
        let messages = exchange.messages();
        let file = self.origin.path_of_stream(exchange.stream());
        View::of_messages(&messages[0], messages, self.clock.times(), |view| {
            show(&View {
                show_passwords: self.show_passwords,
                file,
                ..*view
            })
        })
    }

    /// Calls `show` with a view of a message that no frame completed.
    pub fn late<T>(&self, message: &Message, show: impl FnOnce(&View<'_>) -> T) -> T {
        let file = self.origin.path_of_stream(message.stream);
        View::of_late(message, self.clock.times(), |view| {
            show(&View {
                show_passwords: self.show_passwords,
                file,
                ..*view
            })
        })
    }
}

/// Receives records together with their [`Context`]. Its functions are those of [`Sink`], and are called at the same times.
///
/// # Errors
/// Each function fails if writing the output fails.
pub trait Output {
    /// Takes a frame's record.
    fn record(
        &mut self,
        record: &FrameRecord<'_>,
        context: &mut Context,
    ) -> Result<ControlFlow<()>, OutputError>;

    /// Takes the record of a frame without messages, notes and stream events.
    fn bare(
        &mut self,
        record: &FrameRecord<'_>,
        context: &mut Context,
    ) -> Result<ControlFlow<()>, OutputError> {
        self.record(record, context)
    }

    /// Whether it uses how requests and flows ended, see [`Sink::wants_ends`].
    fn wants_ends(&self) -> bool {
        true
    }

    /// Takes something in a capture that is not a frame.
    fn aside(&mut self, aside: &Aside, batch: &Batch) {
        let _ = (aside, batch);
    }

    /// Takes what was found without a further frame.
    fn between(&mut self, found: &Remainder<'_>, context: &mut Context) -> Result<(), OutputError> {
        let _ = (found, context);
        Ok(())
    }

    /// Writes what is buffered.
    fn pause(&mut self, context: &mut Context) -> Result<(), OutputError> {
        let _ = context;
        Ok(())
    }

    /// Takes what remains at the end of the capture.
    fn end(&mut self, remainder: &Remainder<'_>, context: &mut Context) -> Result<(), OutputError>;
}

/// An output that its owner reads after the pass.
impl<O: Output + ?Sized> Output for &mut O {
    fn record(
        &mut self,
        record: &FrameRecord<'_>,
        context: &mut Context,
    ) -> Result<ControlFlow<()>, OutputError> {
        (**self).record(record, context)
    }

    fn bare(
        &mut self,
        record: &FrameRecord<'_>,
        context: &mut Context,
    ) -> Result<ControlFlow<()>, OutputError> {
        (**self).bare(record, context)
    }

    fn wants_ends(&self) -> bool {
        (**self).wants_ends()
    }

    fn aside(&mut self, aside: &Aside, batch: &Batch) {
        (**self).aside(aside, batch);
    }

    fn between(&mut self, found: &Remainder<'_>, context: &mut Context) -> Result<(), OutputError> {
        (**self).between(found, context)
    }

    fn pause(&mut self, context: &mut Context) -> Result<(), OutputError> {
        (**self).pause(context)
    }

    fn end(&mut self, remainder: &Remainder<'_>, context: &mut Context) -> Result<(), OutputError> {
        (**self).end(remainder, context)
    }
}

/// Outputs that share one context. They are called in the order in which they were added.
pub struct Group<'a> {
    context: Context,
    outputs: Vec<Box<dyn Output + 'a>>,
    given_up: GivenUp,
}

impl<'a> Group<'a> {
    /// A group without outputs.
    #[must_use]
    pub fn new(context: Context) -> Self {
        Self {
            context,
            outputs: Vec::new(),
            given_up: GivenUp::default(),
        }
    }

    /// A group of one.
    #[must_use]
    pub fn of(context: Context, output: impl Output + 'a) -> Self {
        let mut group = Self::new(context);
        group.add(Box::new(output));
        group
    }

    /// Adds an output.
    pub fn add(&mut self, output: Box<dyn Output + 'a>) {
        self.outputs.push(output);
    }

    /// Whether there is a filter that nothing has matched.
    #[must_use]
    pub fn has_missed(&self) -> bool {
        self.context.has_missed()
    }

    /// What was dropped because a bound was reached. It is known when the run has ended.
    #[must_use]
    pub const fn given_up(&self) -> GivenUp {
        self.given_up
    }

    fn each(
        &mut self,
        mut feed: impl FnMut(
            &mut (dyn Output + 'a),
            &mut Context,
        ) -> Result<ControlFlow<()>, OutputError>,
    ) -> Result<ControlFlow<()>, OutputError> {
        let mut flow = ControlFlow::Continue(());
        for output in &mut self.outputs {
            if feed(output.as_mut(), &mut self.context)?.is_break() {
                flow = ControlFlow::Break(());
            }
        }
        Ok(flow)
    }
}

impl Sink for Group<'_> {
    type Error = OutputError;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        self.context.advance(record);
        self.each(|output, context| output.record(record, context))
    }

    fn bare(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        self.context.advance(record);
        self.each(|output, context| output.bare(record, context))
    }

    fn aside(&mut self, aside: &Aside, batch: &Batch) -> Result<(), OutputError> {
        self.context.aside(aside);
        for output in &mut self.outputs {
            output.aside(aside, batch);
        }
        Ok(())
    }

    fn between(&mut self, found: &Remainder<'_>) -> Result<(), OutputError> {
        for output in &mut self.outputs {
            output.between(found, &mut self.context)?;
        }
        Ok(())
    }

    fn pause(&mut self) -> Result<ControlFlow<()>, OutputError> {
        for output in &mut self.outputs {
            output.pause(&mut self.context)?;
        }
        Ok(ControlFlow::Continue(()))
    }

    fn wants_ends(&self) -> bool {
        self.outputs.iter().any(|output| output.wants_ends())
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        self.given_up = remainder.given_up;
        for output in &mut self.outputs {
            output.end(remainder, &mut self.context)?;
        }
        Ok(())
    }
}
