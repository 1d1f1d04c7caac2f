//! The values of a message's fields, by their bytes in the message, to compare two decodings of one message.

use authscope::layout::{Layout, Node, Side, Value};

/// Where a value stands in the message, and what it is.
pub type Leaf = (std::ops::Range<usize>, String);

/// The values of all fields, those of records among them.
pub fn leaves(layout: &Layout, message: &[u8], from: Side) -> Vec<Leaf> {
    fn collect(nodes: &[Node<'_>], into: &mut Vec<Leaf>) {
        for node in nodes {
            let value = match &node.value {
                Value::Integer(value) => format!("number {value}"),
                Value::Float(value) => format!("float {value}"),
                Value::Text(bytes) | Value::Bytes(bytes) => {
                    format!("text {}", bytes.escape_ascii())
                }
                Value::Record(inner) => {
                    collect(inner, into);
                    continue;
                }
                Value::Records(records) => {
                    for inner in records {
                        collect(inner, into);
                    }
                    continue;
                }
            };
            into.push((node.range.clone(), value));
        }
    }
    let mut all = Vec::new();
    collect(&layout.decode(message, from).nodes, &mut all);
    all
}
