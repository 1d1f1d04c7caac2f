//! The terminal interface: browses captures, or what is captured now.
//!
//! [`state`] is everything that is drawn. [`update`] is a pure function from an event to the next state and to commands.
//! [`view`] draws, one file for each view. [`source`] reads and computes on threads of its own. [`recording`] keeps frames and
//! exchanges. [`keys`] is the table of keys.

pub mod answer;
pub mod columns;
pub mod dialog;
pub mod input;
pub mod keys;
pub mod layout;
pub mod order;
pub mod recording;
pub mod settings;
pub mod shown;
pub mod source;
pub mod state;
mod terminal;
pub mod theme;
pub mod update;
pub mod view;
pub mod work;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use ratatui::crossterm::event::{self, KeyCode, KeyEventKind, MouseButton, MouseEventKind};
use unicode_width::UnicodeWidthStr;

use crate::capture::Stop;
use crate::layout::{LayoutId, Side};
use crate::output::Charset;
use crate::platform;
use keys::{Key, Pane};
use settings::Settings;
use source::{Input, TuiSource};
use state::{Command, Event, Mouse, State};
use terminal::Screen;
use theme::Theme;

/// How long to wait for an event before the source is polled.
const TICK: Duration = Duration::from_millis(50);

/// What to begin with.
pub struct Start {
    /// The input.
    pub input: Input,
    /// Its name for the first line, fit for a terminal.
    pub name: String,
    /// A filter to begin with, already checked.
    pub filter: Option<String>,
    /// Whether colours are used.
    pub color: bool,
}

/// Shows the interface until the user ends it, or `stop` is asked for.
pub fn run(start: Start, stop: &Stop) -> io::Result<()> {
    let suspends = platform::signals::suspends()?;
    let colorfgbg = std::env::var("COLORFGBG").ok();
    let theme = Theme::on(theme::is_light(colorfgbg.as_deref()));
    let (settings, wrong) = Settings::load(settings::path(), theme);
    let mut screen = Screen::take()?;
    let (sender, events) = unbounded();
    let is_live = start.input.live.is_some();
    let mut state = State {
        size: screen.size()?,
        source: start.name,
        settings,
        charset: Charset::of_locale(),
        views: vec![Pane::Exchanges],
        widest_name: widest_name(&start.input.material.options.layouts),
        ..State::default()
    };
    state.settings.theme.colored &= start.color;
    state.exchanges.follows = is_live;
    state.frames.follows = is_live;
    layout::fit(&mut state);
    if let Some(first) = wrong.first() {
        let more = wrong.len() - 1;
        let more = if more > 0 {
            format!(" (and {more} more)")
        } else {
            String::new()
        };
        state.complain(format!("tui.toml, {first}{more}"));
    }
    screen.draw(&state)?;
    let mut source = TuiSource::start(start.input, sender.clone());
    read_terminal(sender);
    let mut looped = Loop {
        screen,
        source: &mut source,
        state,
        is_drawn: false,
    };
    if let Some(text) = start.filter {
        looped.state.filter = Some(state::Filtered {
            text: text.clone(),
            progress: None,
        });
        looped.run(vec![Command::Filter(Some(text))])?;
    }
    looped.go(&events, stop, &suspends)
}

/// Columns of the longest name that a request has in these layouts.
fn widest_name(layouts: &[(LayoutId, Vec<u16>)]) -> u16 {
    let kinds = layouts
        .iter()
        .flat_map(|(layout, _)| &layout.plan().layout.kinds);
    let asked = kinds.filter(|kind| !kind.responses.is_empty() || kind.from == Some(Side::Client));
    let widest = asked
        .map(|kind| view::exchanges::short_action(&kind.name).width())
        .max();
    u16::try_from(widest.unwrap_or_default()).unwrap_or(u16::MAX)
}

/// Sends the terminal's events.
fn read_terminal(events: Sender<Event>) {
    let builder = std::thread::Builder::new().name("terminal".to_owned());
    // If no thread can be started, the process cannot work anyway.
    let _ = builder.spawn(move || {
        while let Ok(event) = event::read() {
            if let Some(event) = of_terminal(event)
                && events.send(event).is_err()
            {
                return;
            }
        }
    });
}

fn of_terminal(event: event::Event) -> Option<Event> {
    match event {
        event::Event::Key(key) if key.kind != KeyEventKind::Release => {
            Some(Event::Key(Key::of(key)))
        }
        event::Event::Paste(text) => Some(Event::Paste(text)),
        event::Event::Resize(columns, rows) => Some(Event::Resize(columns, rows)),
        event::Event::Mouse(mouse) => {
            let what = match mouse.kind {
                MouseEventKind::Down(MouseButton::Left) => Mouse::Press,
                MouseEventKind::Drag(MouseButton::Left) => Mouse::Drag,
                MouseEventKind::Up(MouseButton::Left) => Mouse::Release,
                MouseEventKind::ScrollDown => Mouse::Wheel(1),
                MouseEventKind::ScrollUp => Mouse::Wheel(-1),
                _ => return None,
            };
            Some(Event::Mouse(what, mouse.column, mouse.row))
        }
        _ => None,
    }
}

struct Loop<'s> {
    screen: Screen,
    source: &'s mut TuiSource,
    state: State,
    /// Whether the screen shows the state.
    is_drawn: bool,
}

impl Loop<'_> {
    fn go(
        &mut self,
        events: &Receiver<Event>,
        stop: &Stop,
        suspends: &AtomicBool,
    ) -> io::Result<()> {
        while !self.state.ends && !stop.is_asked() {
            for event in self.source.poll(&self.state) {
                self.take(event)?;
            }
            if !std::mem::replace(&mut self.is_drawn, true) {
                self.screen.draw(&self.state)?;
            }
            let mut next = events.recv_timeout(TICK);
            // All pending events are handled before the screen is drawn again.
            while let Ok(event) = next {
                self.take(event)?;
                next = events.try_recv().map_err(|_| RecvTimeoutError::Timeout);
            }
            if suspends.swap(false, Ordering::Relaxed) {
                self.suspend()?;
            }
        }
        Ok(())
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.screen.suspend()?;
        let (columns, rows) = self.screen.size()?;
        self.take(Event::Resize(columns, rows))
    }

    fn take(&mut self, event: Event) -> io::Result<()> {
        if let Event::Key(key) = &event
            && key.ctrl
            && key.code == KeyCode::Char('z')
        {
            return self.suspend();
        }
        panic_on_request(&event);
        self.is_drawn = false;
        let commands = update::update(&mut self.state, event);
        self.source.fill(&mut self.state);
        self.run(commands)
    }

    fn run(&mut self, commands: Vec<Command>) -> io::Result<()> {
        for command in commands {
            match &command {
                Command::Copy(text) => Screen::copy(text)?,
                Command::Redraw => self.screen.redraw()?,
                Command::SaveColumns(pane) => match self.state.settings.save_columns(*pane) {
                    Ok(Some(path)) => {
                        let path = path.to_string_lossy();
                        let shown = crate::text::escape::Local(&path).to_string();
                        self.state.say(format!("columns are saved in {shown}"));
                    }
                    Ok(None) => {}
                    Err(error) => self
                        .state
                        .complain(format!("columns could not be saved: {error}")),
                },
                _ => {}
            }
            for event in self.source.run(command, &self.state) {
                self.take(event)?;
            }
        }
        Ok(())
    }
}

/// Lets a test check that a panic restores the terminal; not in release builds.
fn panic_on_request(event: &Event) {
    if cfg!(debug_assertions) && matches!(event, Event::Key(key) if key.code == KeyCode::F(12)) {
        assert!(
            std::env::var_os("AUTHSCOPE_TUI_PANIC").is_none(),
            "a panic was asked for"
        );
    }
}
