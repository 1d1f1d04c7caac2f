//! The layouts of this process. Each has a number, so that what a stream speaks is said in one byte.

use std::sync::OnceLock;

use super::model::{Field, FieldId, Layout};
use super::plan::Plan;

/// Layouts that one process can have.
pub const MOST_LAYOUTS: usize = 255;

static PLANS: [OnceLock<Box<Plan>>; MOST_LAYOUTS] = [const { OnceLock::new() }; MOST_LAYOUTS];

/// A layout's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LayoutId(u8);

impl LayoutId {
    /// Gives a layout a number: the one that an equal layout has, or the next. `None` if [`MOST_LAYOUTS`] have one.
    #[must_use]
    pub fn of(layout: &Layout) -> Option<Self> {
        for (number, place) in (0..).zip(&PLANS) {
            // Of two threads that come to a place at once, one fills it, and the other looks at what it holds.
            let plan = place.get_or_init(|| Box::new(Plan::new(layout.clone())));
            if plan.layout == *layout {
                return Some(Self(number));
            }
        }
        None
    }

    /// All that have a number.
    pub fn all() -> impl Iterator<Item = Self> {
        let known = PLANS.iter().take_while(|place| place.get().is_some());
        (0..).zip(known).map(|(number, _)| Self(number))
    }

    /// The number, from 0.
    #[must_use]
    pub const fn number(self) -> usize {
        self.0 as usize
    }

    /// The layout, compiled.
    ///
    /// # Panics
    ///
    /// Never: a number is given to a layout only.
    #[must_use]
    pub fn plan(self) -> &'static Plan {
        match PLANS[usize::from(self.0)].get() {
            Some(plan) => plan,
            None => unreachable!("a number is given to a layout only"),
        }
    }

    /// The protocol's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        &self.plan().layout.name
    }
}

/// A field of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FieldRef {
    layout: LayoutId,
    part: u16,
    index: u16,
}

impl FieldRef {
    /// The field that stands there in a layout.
    #[must_use]
    pub fn new(layout: LayoutId, (part, index): FieldId) -> Self {
        // A file with so many parts or fields is larger than any that is read.
        let number = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
        Self {
            layout,
            part: number(part),
            index: number(index),
        }
    }

    /// Its place in the layout.
    #[must_use]
    pub fn id(self) -> FieldId {
        (self.part.into(), self.index.into())
    }

    /// What the layout says of it.
    #[must_use]
    pub fn field(self) -> &'static Field {
        self.layout.plan().field(self.id())
    }
}
