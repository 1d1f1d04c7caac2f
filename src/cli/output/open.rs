//! Opens the output of rows: what writes them, and what it needs.

use std::io::{self, Write};
use std::path::Path;
use std::rc::Rc;

use zeroize::Zeroize;

use super::OutputArguments;
use crate::cli::error::Failure;
use crate::cli::query::Query;
use crate::cli::run::Plan;
use crate::cli::say;
use crate::cli::terminal::{folded, standard_output, text_style};
use crate::filter::{Needs, field};
use crate::output::forms::{Chosen, FormEntry, Part, Waits};
use crate::output::{
    Answers, Context, Findings, Group, Overview, Rows, Stats, StatsFormat, TEXT, Tee,
};
use crate::session::Holding;
use crate::session::summary::Summary;
use crate::text::escape::Local;
use crate::text::secret::{KEY_OCTETS, TagKey};
use crate::text::trouble::Trouble;

/// The rows that are shown, and the lines to print about them.
pub(in crate::cli) struct ShownRows {
    group: Group<'static>,
    /// Whether standard output is written to.
    prints: bool,
    held: Held,
    overview: Overview,
    /// The rows that were asked for.
    rows: Rows,
    /// Whether the summary reports what bounds removed.
    is_summed_up: bool,
    /// Whether to print how frames can be shown.
    tells_of_frames: bool,
}

/// Which records are held back until more is known about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    None,
    /// Those that begin a message, until it is complete.
    Beginnings,
    /// All, until requests know their responses.
    All,
    /// The same, without records that have no messages.
    OfMessages,
}

impl ShownRows {
    /// Adds what shows the rows.
    pub fn add_to<'a>(&'a mut self, tee: &mut Tee<'a>) {
        tee.add(&mut self.overview);
        let rows = &mut self.group;
        match self.held {
            Held::None if self.prints => tee.add_printer(rows),
            Held::None => tee.add(rows),
            Held::Beginnings => tee.add_printer(Holding::of_beginnings(rows)),
            Held::All => tee.add_printer(Holding::all(rows)),
            Held::OfMessages => tee.add_printer_of_messages(Holding::of_messages(rows)),
        }
    }

    /// Whether there was a filter and nothing matched it.
    pub fn has_missed(&self) -> bool {
        self.group.has_missed()
    }

    /// Lines for the end: what the capture contained if little or nothing of it was shown, and what bounds removed.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = self.overview.lines(self.rows, self.has_missed());
        if !self.is_summed_up {
            lines.extend(self.group.given_up().sentences());
        }
        if self.tells_of_frames && lines.is_empty() {
            let hint = "these are exchanges; `authscope read FILE` shows the frames, with -V their details";
            lines.push(hint.to_owned());
        }
        lines
    }
}

/// Where the rows of one capture among several go.
pub(in crate::cli) struct SharedOutput {
    pub out: Box<dyn Write>,
    pub part: Part,
}

impl OutputArguments {
    /// Opens what writes the rows: to standard output, or together with those of other captures; to nothing if a
    /// capture is saved to standard output. `answers` are the responses that come later than their requests, if the
    /// query needs them.
    pub fn open(
        &self,
        save: Option<&Path>,
        mut query: Query,
        answers: Option<Answers>,
        plan: &Plan,
        shared: Option<SharedOutput>,
    ) -> Result<ShownRows, Failure> {
        let is_first = shared.as_ref().is_none_or(|shared| shared.part.is_first);
        if let Some(warning) = query.warning(self.show_passwords).filter(|_| is_first) {
            say(warning);
        }
        let origin = plan.origin();
        if query.has_default_fields && origin.is_told() {
            query.fields.splice(..0, field("frame.file"));
        }
        let form = self.form();
        let rows = self.rows(query.filter.is_some());
        let needs = query.needs().or(form.needs);
        let filter = query.filter.take();
        let is_selected = filter.is_some() || form.fields != Chosen::Nothing;
        let taken = save.is_some_and(|path| path.as_os_str() == "-");
        let prints = !self.quiet && !taken;
        let held = self.held(rows, is_selected, needs, plan);
        let context = Context::new(filter, needs, answers.map(Rc::new), self.show_passwords)
            .reading(plan.origin())
            .timed(self.time)
            .tagging(self.tag_key()?)
            .telling(self.findings(form, rows, is_selected));
        let asks = context.has_filter();
        let mut group = Group::new(context);
        let part = shared.as_ref().map(|shared| shared.part);
        let options = self.form_options(query, rows, plan, part);
        if prints {
            let out: Box<dyn Write> = match shared {
                Some(shared) => shared.out,
                None if self.details || self.explain || self.hex => Box::new(folded()),
                None => Box::new(standard_output()),
            };
            group.add((form.make)(options, out));
        } else if asks {
            // The filter is evaluated nevertheless, for the exit code.
            group.add((TEXT.make)(options, Box::new(io::sink())));
        }
        if self.stats {
            // After the rows, which end first.
            let out: Box<dyn Write> = if (form.for_people || self.quiet) && !taken {
                Box::new(standard_output())
            } else {
                Box::new(io::stderr())
            };
            let format = StatsFormat::Text(text_style(self.color));
            group.add(Box::new(Stats::new(out, Summary::default(), format, None)));
        }
        Ok(ShownRows {
            group,
            prints: prints || self.stats,
            held,
            overview: Overview::default(),
            rows: match rows {
                _ if self.quiet => Rows::All,
                _ if self.explain => Rows::Messages,
                rows => rows,
            },
            is_summed_up: self.stats,
            tells_of_frames: self.exchanges_of_files,
        })
    }

    /// The key for password tags, if they are wanted.
    fn tag_key(&self) -> Result<Option<TagKey>, Failure> {
        let Some(path) = &self.password_tags else {
            return Ok(None);
        };
        let shown = path.to_string_lossy();
        let failure = |why: &dyn std::fmt::Display| {
            Failure::Text(format!(
                "cannot use the key in \"{}\": {why}",
                Local(&shown)
            ))
        };
        let mut octets = std::fs::read(path).map_err(|error| failure(&Trouble(&error)))?;
        let key = TagKey::new(&octets);
        octets.zeroize();
        let length = format!("it takes at least {KEY_OCTETS} bytes that nobody can guess");
        key.map(Some).ok_or_else(|| failure(&length))
    }

    /// Which records are held back, if rows can wait.
    fn held(&self, rows: Rows, is_selected: bool, needs: Needs, plan: &Plan) -> Held {
        let waits = match self.form().waits {
            // Rows of exchanges wait for their responses anyway.
            _ if self.quiet || self.has_exchanges() || !plan.can_be_repeated() => Waits::No,
            _ if self.details || needs.notes => Waits::ForResponses,
            waits => waits,
        };
        match waits {
            Waits::No => Held::None,
            Waits::ForBeginnings => Held::Beginnings,
            Waits::ForResponses
                if is_selected || self.details || self.stats || rows != Rows::Messages =>
            {
                Held::All
            }
            Waits::ForResponses => Held::OfMessages,
        }
    }

    /// Whether rows show the results of the TCP analysis.
    fn findings(&self, form: &FormEntry, rows: Rows, is_selected: bool) -> Findings {
        let has_frames = matches!(rows, Rows::Watched | Rows::All);
        if !has_frames || self.quiet || self.explain || !form.for_people {
            Findings::Untold
        } else if rows == Rows::Watched && !is_selected {
            Findings::ToldOfWatched
        } else {
            Findings::Told
        }
    }
}
