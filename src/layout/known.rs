//! The layouts of this process. Each has a number, so that a stream's protocol fits into one byte.

use std::sync::OnceLock;

use super::model::{Field, FieldId, Layout};
use super::plan::Plan;

/// The maximum number of layouts in a process.
pub const MOST_LAYOUTS: usize = 255;

static PLANS: [OnceLock<Box<Plan>>; MOST_LAYOUTS] = [const { OnceLock::new() }; MOST_LAYOUTS];

/// A layout's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LayoutId(u8);

impl LayoutId {
    /// The number of a layout: that of an equal layout, or the next one. `None` if there are [`MOST_LAYOUTS`] others.
    #[must_use]
    pub fn of(layout: &Layout) -> Option<Self> {
        for (number, place) in (0..).zip(&PLANS) {
            // If two threads reach a free slot at once, one of them fills it, and the other compares with its content.
            let plan = place.get_or_init(|| Box::new(Plan::new(layout.clone())));
            if plan.layout == *layout {
                return Some(Self(number));
            }
        }
        None
    }

    /// The numbers of all layouts.
    pub fn all() -> impl Iterator<Item = Self> {
        let known = PLANS.iter().take_while(|place| place.get().is_some());
        (0..).zip(known).map(|(number, _)| Self(number))
    }

    /// The number, from 0.
    #[must_use]
    pub const fn number(self) -> usize {
        self.0 as usize
    }

    /// The compiled layout.
    ///
    /// # Panics
    ///
    /// Never: only layouts have numbers.
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

/// A field of a layout, in 6 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FieldRef {
    layout: LayoutId,
    part: u16,
    index: u16,
}

impl FieldRef {
    /// The field of a layout with this id.
    #[must_use]
    pub fn new(layout: LayoutId, (part, index): FieldId) -> Self {
        // No layout file is so large that a number does not fit.
        let number = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
        Self {
            layout,
            part: number(part),
            index: number(index),
        }
    }

    /// Its id in the layout.
    #[must_use]
    pub fn id(self) -> FieldId {
        (self.part.into(), self.index.into())
    }

    /// Its description in the layout.
    #[must_use]
    pub fn field(self) -> &'static Field {
        self.layout.plan().field(self.id())
    }
}
