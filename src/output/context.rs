//! What outputs need to know of a frame besides its record: times, TCP's analysis, and whether a filter matches. It is
//! worked out once a frame and handed to each output of a [`Group`].

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

/// What is known of the present frame besides its record.
#[derive(Debug, Default)]
pub struct Context {
    filter: Option<Filter>,
    /// Whether what may be part of a password is shown.
    pub show_passwords: bool,
    /// What tells whether two passwords are the same, in rows that are exchanges.
    pub tag_key: Option<TagKey>,
    /// The times of frames, and how they are written.
    pub clock: TimeDisplay,
    /// Which capture frames are of.
    pub origin: Origin,
    analyzer: Option<Analyzer>,
    analysis: Option<Analysis>,
    answers: Option<Rc<Answers>>,
    /// The filter's answer about the present frame, once it was asked.
    taken: Option<bool>,
    matched: Cell<bool>,
    findings: Findings,
}

/// Whether rows tell what TCP's analysis finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Findings {
    /// They do not.
    #[default]
    Untold,
    /// They do.
    Told,
    /// They do, and only the frames that a user watches are analysed.
    ToldOfWatched,
}

impl Context {
    /// Knows what `needs` says, of which the filter's own are part, and asks the filter where
    /// there is one. `answers` are the responses that requests get later, where they are needed.
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

    /// The same, with times written in this form.
    #[must_use]
    pub fn timed(self, format: TimeFormat) -> Self {
        Self {
            clock: TimeDisplay::new(format),
            ..self
        }
    }

    /// The same, of these captures.
    #[must_use]
    pub fn reading(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// The same, with a key for the tags of passwords.
    #[must_use]
    pub fn tagging(self, tag_key: Option<TagKey>) -> Self {
        Self { tag_key, ..self }
    }

    /// The same, with TCP's analysis of the frames whose findings are told.
    #[must_use]
    pub fn telling(mut self, findings: Findings) -> Self {
        if findings != Findings::Untold {
            self.analyzer.get_or_insert_default();
        }
        self.findings = findings;
        self
    }

    /// Goes on to the next frame.
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

    /// Whether the filter matches the present frame, or there is none.
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

    /// Whether the filter matches a message that an earlier frame carried or that no frame completed.
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

    /// Whether there is a filter and nothing has matched it.
    #[must_use]
    pub fn has_missed(&self) -> bool {
        self.filter.is_some() && !self.matched.get()
    }

    /// Appends what TCP's analysis finds in the present frame, where rows tell it: `[TCP Retransmission] `.
    pub fn write_findings(&self, out: &mut String) {
        let analysis = self.analysis.as_ref();
        let told = analysis.filter(|_| self.findings != Findings::Untold);
        for label in told.into_iter().flat_map(Analysis::labels) {
            let _ = write!(out, "[{label}] ");
        }
    }

    /// Learns what stands between frames.
    pub fn aside(&mut self, aside: &Aside) {
        self.origin.aside(aside);
    }

    /// The present frame as fields see it.
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

    /// Gives `show` a view of both messages of an exchange.
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

    /// Gives `show` a view of a message that no frame completed.
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

/// An output that is told with each record what else is known of the frame. What [`Sink`] says of its functions holds
/// here too.
pub trait Output {
    /// Takes a frame's record.
    fn record(
        &mut self,
        record: &FrameRecord<'_>,
        context: &mut Context,
    ) -> Result<ControlFlow<()>, OutputError>;

    /// Takes the record of a frame that brought nothing.
    fn bare(
        &mut self,
        record: &FrameRecord<'_>,
        context: &mut Context,
    ) -> Result<ControlFlow<()>, OutputError> {
        self.record(record, context)
    }

    /// Receives what the next records will say of requests.
    /// Takes what stands between frames.
    fn aside(&mut self, aside: &Aside, batch: &Batch) {
        let _ = (aside, batch);
    }

    /// Takes what became known while no frame came.
    fn between(&mut self, found: &Remainder<'_>, context: &mut Context) -> Result<(), OutputError> {
        let _ = (found, context);
        Ok(())
    }

    /// Writes what is buffered.
    fn pause(&mut self, context: &mut Context) -> Result<(), OutputError> {
        let _ = context;
        Ok(())
    }

    /// Takes what the end of the capture brings.
    fn end(&mut self, remainder: &Remainder<'_>, context: &mut Context) -> Result<(), OutputError>;
}

/// An output that whoever runs the pass looks at afterwards.
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

/// Outputs that share one context, fed in the order in which they were added.
pub struct Group<'a> {
    context: Context,
    outputs: Vec<Box<dyn Output + 'a>>,
    given_up: GivenUp,
}

impl<'a> Group<'a> {
    /// No outputs yet.
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

    /// Whether there is a filter and nothing has matched it.
    #[must_use]
    pub fn has_missed(&self) -> bool {
        self.context.has_missed()
    }

    /// What was given up because a bound was reached, once the run is over.
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

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        self.given_up = remainder.given_up;
        for output in &mut self.outputs {
            output.end(remainder, &mut self.context)?;
        }
        Ok(())
    }
}
