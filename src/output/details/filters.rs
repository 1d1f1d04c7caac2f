//! The display filter beside each line of the tree.

use std::collections::HashMap;

use super::tree::Node;
use crate::filter::{Condition, View, field};

/// Finds the filters of a frame's lines, which are asked for in the order in which they are written.
pub(super) struct Filters<'v> {
    view: &'v View<'v>,
    /// How many lines there were of each field.
    seen: HashMap<String, usize>,
}

impl<'v> Filters<'v> {
    pub fn new(view: &'v View<'v>) -> Self {
        Self {
            view,
            seen: HashMap::new(),
        }
    }

    /// The filter that selects frames with what the line says.
    pub fn of(&mut self, node: &Node) -> Option<String> {
        let field = field(node.field.as_deref()?)?;
        let seen = self.seen.entry(field.name.to_string()).or_default();
        let (index, mut at, mut found) = (*seen, 0, None);
        *seen += 1;
        field.values(self.view, &mut |value| {
            if at == index {
                let show_passwords = self.view.show_passwords;
                found = Some(
                    Condition {
                        field,
                        value,
                        show_passwords,
                    }
                    .to_string(),
                );
            }
            at += 1;
        });
        found
    }
}
