//! The display filter beside each line of the tree.

use std::collections::HashMap;

use super::node::Node;
use crate::filter::{Condition, View, field};

/// Finds the filters of a frame's lines, which are asked for in the order in which they are written.
pub(super) struct Filters<'v> {
    view: &'v View<'v>,
    /// How many lines there were of each field.
    seen: HashMap<&'static str, usize>,
}

impl<'v> Filters<'v> {
    pub fn new(view: &'v View<'v>) -> Self {
        Self {
            view,
            seen: HashMap::new(),
        }
    }

    /// The filter that selects frames with what the next line says, which shows this field.
    pub fn of(&mut self, name: Option<&str>) -> Option<String> {
        let field = field(name?)?;
        let seen = self.seen.entry(&field.name).or_default();
        *seen += 1;
        field.nth(self.view, *seen - 1, |value| {
            let condition = Condition {
                field,
                value,
                show_passwords: self.view.show_passwords,
            };
            condition.to_string()
        })
    }
}

/// The filters of all lines of a tree, in the order in which the lines stand below each other.
#[must_use]
pub fn of_all(nodes: &[Node], view: &View<'_>) -> Vec<Option<String>> {
    fn add(node: &Node, filters: &mut Filters<'_>, all: &mut Vec<Option<String>>) {
        all.push(filters.of(node.field.as_deref()));
        for child in &node.children {
            add(child, filters, all);
        }
    }
    let (mut filters, mut all) = (Filters::new(view), Vec::new());
    for node in nodes {
        add(node, &mut filters, &mut all);
    }
    all
}
