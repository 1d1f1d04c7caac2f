//! The terminal interface without a terminal: keys go in, screens come out as text and as style.

use std::time::{Duration, Instant};

use authscope::capture::{FrameStore, ReadOptions, Stop, open_all};
use authscope::output::Charset;
use authscope::session::{Options, PassLimits};
use authscope::tui::keys::{Key, Pane};
use authscope::tui::recording::Shared;
use authscope::tui::source::{Input, TuiSource};
use authscope::tui::state::{Event, Mouse, Pending, State};
use authscope::tui::work::{Material, Nearby};
use authscope::tui::{layout, update, view};
use crossbeam_channel::{Receiver, unbounded};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use crate::programs::PATIENCE;

/// An interface that is open on captures.
pub struct Screen {
    pub state: State,
    source: TuiSource,
    events: Receiver<Event>,
    /// What was worked out along with something else.
    pub nearby: Nearby,
    /// What was put into the clipboard last.
    pub copied: Option<String>,
}

impl Screen {
    /// Opens captures on a screen of this size, and waits until they are read.
    pub fn open(paths: &[&str], size: (u16, u16)) -> Self {
        let source = open_all(paths, ReadOptions::default()).expect("captures");
        let progress = source.progress();
        let (source, store) = FrameStore::of(source).expect("a store");
        let shared = Shared::new(store, None);
        let files = paths.iter().map(Into::into).collect();
        let material = Material::new(shared, Options::default(), files);
        let nearby = material.nearby.clone();
        let input = Input {
            source,
            material,
            progress,
            live: None,
            limits: PassLimits::default(),
            stop: Stop::default(),
        };
        let (sender, events) = unbounded();
        let mut state = State {
            size,
            source: "capture.pcap".to_owned(),
            charset: Charset::Unicode,
            views: vec![Pane::Exchanges],
            ..State::default()
        };
        layout::fit(&mut state);
        let mut screen = Self {
            source: TuiSource::start(input, sender),
            state,
            events,
            nearby,
            copied: None,
        };
        screen.settle();
        screen
    }

    pub fn take(&mut self, event: Event) {
        let commands = update::update(&mut self.state, event);
        self.source.fill(&mut self.state);
        for command in commands {
            if let authscope::tui::state::Command::Copy(text) = &command {
                self.copied = Some(text.clone());
            }
            for event in self.source.run(command, &self.state) {
                self.take(event);
            }
        }
    }

    fn is_settled(&self) -> bool {
        fn works<T>(waiting: &Pending<T>) -> bool {
            matches!(waiting, Pending::Running)
        }
        let state = &self.state;
        let waits_for_rows = state.pane() == Pane::Frames
            && state
                .frames
                .seen()
                .any(|frame| !state.frame_rows.contains_key(&frame));
        let filters = state
            .filter
            .as_ref()
            .is_some_and(|filter| filter.progress.is_some());
        let saves = state
            .status
            .as_ref()
            .is_some_and(|said| said.text == "saving");
        state.progress.ended
            && !filters
            && !waits_for_rows
            && !saves
            && !works(&state.preview)
            && !works(&state.detail)
            && !works(&state.step_detail)
            && !works(&state.flow)
            && !works(&state.follow)
            && !works(&state.statistics)
            && !works(&state.explained)
            && !works(&state.differences)
    }

    /// Waits until all that was asked for is there.
    pub fn settle(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        let mut quiet = 0;
        while quiet < 3 {
            for event in self.source.poll(&self.state) {
                self.take(event);
            }
            match self.events.recv_timeout(Duration::from_millis(5)) {
                Ok(event) => {
                    self.take(event);
                    quiet = 0;
                }
                Err(_) if self.is_settled() => quiet += 1,
                Err(_) => {}
            }
            assert!(Instant::now() < deadline, "{:?}", self.text());
        }
    }

    /// Presses keys, which are named with spaces between them, one after the other.
    pub fn press(&mut self, keys: &str) -> &mut Self {
        for key in keys.split(' ') {
            let key = Key::parse(key).unwrap_or_else(|| panic!("{key} is no key"));
            self.take(Event::Key(key));
            self.settle();
        }
        self
    }

    /// Types text.
    pub fn write(&mut self, text: &str) -> &mut Self {
        self.take(Event::Paste(text.to_owned()));
        self.settle();
        self
    }

    pub fn mouse(&mut self, mouse: Mouse, (x, y): (u16, u16)) -> &mut Self {
        self.take(Event::Mouse(mouse, x, y));
        self.settle();
        self
    }

    pub fn buffer(&self) -> Buffer {
        let (columns, rows) = self.state.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, columns, rows));
        view::draw(&mut buffer, &self.state);
        buffer
    }

    /// What is seen, without style.
    pub fn text(&self) -> String {
        let buffer = self.buffer();
        rows(&buffer, |cell| cell.symbol().to_owned())
    }

    /// What is seen, and below it a letter for the style of each cell, with a key to the letters.
    pub fn shown(&self) -> String {
        let buffer = self.buffer();
        let mut styles: Vec<String> = Vec::new();
        let letters = rows(&buffer, |cell| {
            let style = name(cell.fg, cell.modifier);
            if style.is_empty() {
                return ".".to_owned();
            }
            let at = styles
                .iter()
                .position(|known| *known == style)
                .unwrap_or_else(|| {
                    styles.push(style);
                    styles.len() - 1
                });
            char::from(b'a' + u8::try_from(at).expect("few styles")).to_string()
        });
        let key: Vec<String> = ('a'..)
            .zip(&styles)
            .map(|(letter, style)| format!("{letter}: {style}"))
            .collect();
        format!("{}\n{}\n{}\n", self.text(), letters, key.join("\n"))
    }
}

/// A letter would not do: a wide character has an empty cell behind it.
fn rows(buffer: &Buffer, mut of: impl FnMut(&ratatui::buffer::Cell) -> String) -> String {
    let area = buffer.area;
    let mut text = String::new();
    for y in area.top()..area.bottom() {
        let mut line = String::new();
        let mut x = area.left();
        while x < area.right() {
            let cell = &buffer[(x, y)];
            line += &of(cell);
            x += u16::try_from(unicode_width::UnicodeWidthStr::width(cell.symbol()).max(1))
                .expect("a width");
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

fn name(color: Color, modifier: Modifier) -> String {
    let mut parts = Vec::new();
    if color != Color::Reset {
        parts.push(color.to_string().to_lowercase());
    }
    for (one, word) in [
        (Modifier::BOLD, "bold"),
        (Modifier::DIM, "dim"),
        (Modifier::UNDERLINED, "underlined"),
        (Modifier::REVERSED, "reversed"),
    ] {
        if modifier.contains(one) {
            parts.push(word.to_owned());
        }
    }
    parts.join(" ")
}
