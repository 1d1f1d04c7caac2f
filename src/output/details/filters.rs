//! The display filter for each line of the details tree (`--field-names`).

use std::collections::HashMap;

use super::node::Node;
use crate::filter::{Condition, View, field};

/// Makes the filters of a frame's lines. It must be called for all lines, in order.
pub(super) struct Filters<'v> {
    view: &'v View<'v>,
    /// Lines of each field so far.
    seen: HashMap<&'static str, usize>,
}

impl<'v> Filters<'v> {
    pub fn new(view: &'v View<'v>) -> Self {
        Self {
            view,
            seen: HashMap::new(),
        }
    }

    /// The filter that selects frames with the value in the next line, which shows the field `name`. `None` if the line
    /// shows no field, or the frame has no such value.
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

/// The filters of all lines of a tree, from top to bottom.
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
