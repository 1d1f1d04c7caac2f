//! Finds the end of a message, and decodes its bytes into the values of a layout's fields.

use std::ops::Range;

use super::checksum::check_of;
use super::fault::{Fault, FaultKind};
use super::model::{
    ByteOrder, Constant, Count, Field, FieldId, Integer, Layout, Part, Role, Side, Type,
};
use super::plan::text_len;

/// The extent of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// It is unknown until at least so many bytes are there.
    Need(usize),
    /// The size of the message in bytes. Not all of them may be there yet.
    Whole(usize),
    /// These bytes are not the beginning of a message.
    None,
}

/// A value on the wire.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'b> {
    /// An integer or flags.
    Integer(i128),
    /// A float.
    Float(f64),
    /// Text, without padding and without a terminating NUL. It may not be UTF-8.
    Text(&'b [u8]),
    /// Bytes.
    Bytes(&'b [u8]),
    /// The fields of one record.
    Record(Vec<Node<'b>>),
    /// The fields of each of several records.
    Records(Vec<Vec<Node<'b>>>),
}

/// A field of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Node<'b> {
    /// The field in the layout.
    pub field: FieldId,
    /// Its bytes in the message, with a length prefix and padding.
    pub range: Range<usize>,
    /// The bytes of its value alone, without prefix and padding.
    pub content: Range<usize>,
    /// Its value.
    pub value: Value<'b>,
}

/// A decoded message.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded<'b> {
    /// Its kind, by index; `None` if no kind has its value.
    pub kind: Option<usize>,
    /// Its fields in wire order, the header's first.
    pub nodes: Vec<Node<'b>>,
    /// The bytes after the header of an unknown kind, for which the layout has no fields.
    pub data: Range<usize>,
    /// Where the message violates the layout.
    pub faults: Vec<Fault>,
}

impl Decoded<'_> {
    /// Whether the value of a field may reveal a secret: it is secret, or a checksum over a secret, or (in a layout with
    /// secrets) a checksum over leftovers after a text.
    #[must_use]
    pub fn hides(&self, layout: &Layout, node: &Node<'_>) -> bool {
        let field = layout.field(node.field);
        if field.secret || !field.role.is_some_and(Role::is_check) {
            return field.secret;
        }
        let is_left = |fault: &Fault| {
            fault.kind == FaultKind::Fill
                && fault.range.start < node.range.start
                && layout.has_secrets()
        };
        has_secret_before(&self.nodes, layout, node.range.start) || self.faults.iter().any(is_left)
    }
}

/// Whether a secret begins before this offset.
fn has_secret_before(nodes: &[Node<'_>], layout: &Layout, place: usize) -> bool {
    let mut before = nodes.iter().take_while(|node| node.range.start < place);
    before.any(|node| {
        layout.field(node.field).secret
            || match &node.value {
                Value::Record(inside) => has_secret_before(inside, layout, place),
                Value::Records(records) => records
                    .iter()
                    .any(|inside| has_secret_before(inside, layout, place)),
                _ => false,
            }
    })
}

impl Layout {
    /// The extent of the message that begins with `bytes` and is sent by `from`.
    #[must_use]
    pub fn frame(&self, bytes: &[u8], from: Side) -> Frame {
        let header = self.header().size(&self.parts);
        if let Some((field, start)) = self.header_field(|role| matches!(role, Role::Length(_))) {
            let (Some(integer), Some(Role::Length(offset))) = (field.integer(), field.role) else {
                return Frame::None;
            };
            let end = start + usize::from(integer.width);
            let Some(value) = bytes.get(start..).and_then(|bytes| integer.read(bytes)) else {
                return Frame::Need(end);
            };
            // The field is the length plus `offset`.
            let length = value - i128::from(offset);
            let least = header.unwrap_or(end as u64).max(1);
            return match usize::try_from(length) {
                Ok(length) if length as u64 >= least && length <= self.max as usize => {
                    Frame::Whole(length)
                }
                _ => Frame::None,
            };
        }
        let value = match self.kind_value(bytes) {
            Ok(value) => value,
            Err(need) => return Frame::Need(need),
        };
        match self
            .kind(value, from)
            .and_then(|kind| self.size(&self.kinds[kind]))
        {
            Some(size) => usize::try_from(size).map_or(Frame::None, Frame::Whole),
            None => Frame::None,
        }
    }

    /// The value of the field with the role `kind`, if the layout has one.
    ///
    /// # Errors
    ///
    /// The number of bytes needed, if there are fewer.
    fn kind_value(&self, bytes: &[u8]) -> Result<Option<i128>, usize> {
        let Some((field, start)) = self.header_field(|role| role == Role::Kind) else {
            return Ok(None);
        };
        let Some(integer) = field.integer() else {
            return Ok(None);
        };
        let value = bytes.get(start..).and_then(|bytes| integer.read(bytes));
        value.map(Some).ok_or(start + usize::from(integer.width))
    }

    /// Decodes a message, or as much of it as there is.
    #[must_use]
    pub fn decode<'b>(&self, bytes: &'b [u8], from: Side) -> Decoded<'b> {
        let mut reader = Reader {
            layout: self,
            bytes,
            at: 0,
            slots: vec![0; self.slots.len()],
            faults: Vec::new(),
        };
        let mut nodes = Vec::new();
        let value = self.kind_value(bytes).ok().flatten();
        let has_kind_field = self.header_field(|role| role == Role::Kind).is_some();
        let kind = match (value, has_kind_field) {
            (None, true) => None,
            (value, _) => self.kind(value, from),
        };
        let body = kind.and_then(|kind| self.kinds[kind].body);
        let whole = reader.part(self.header, &mut nodes);
        if let (true, Some(body)) = (whole, body) {
            reader.part(body, &mut nodes);
        }
        let mut data = reader.at..reader.at;
        if let Some(kind) = kind {
            let kind = &self.kinds[kind];
            if !kind.is_from(from) {
                reader.fault_of_role(FaultKind::Side, Role::Kind);
            }
            if reader.at < bytes.len() {
                let excess = reader.at..bytes.len();
                reader.fault(FaultKind::Excess, None, excess);
            }
        } else {
            data.end = bytes.len();
            reader.fault_of_role(FaultKind::Kind, Role::Kind);
        }
        Decoded {
            kind,
            nodes,
            data,
            faults: reader.faults,
        }
    }
}

struct Reader<'a, 'b> {
    layout: &'a Layout,
    bytes: &'b [u8],
    at: usize,
    slots: Vec<i128>,
    faults: Vec<Fault>,
}

impl<'b> Reader<'_, 'b> {
    fn fault(&mut self, kind: FaultKind, field: Option<FieldId>, range: Range<usize>) {
        self.faults.push(Fault { kind, field, range });
    }

    /// Adds a fault at the header's field with this role, or at the message's start if there is none.
    fn fault_of_role(&mut self, kind: FaultKind, role: Role) {
        let layout = self.layout;
        let fields = &layout.header().fields;
        let index = fields.iter().position(|field| field.role == Some(role));
        let place = layout.header_field(|found| found == role);
        let range = place.map_or(0..0, |(field, start)| {
            let size = field.size(&layout.parts).unwrap_or(0);
            start..start + usize::try_from(size).unwrap_or(0)
        });
        let range = range.start.min(self.bytes.len())..range.end.min(self.bytes.len());
        self.fault(kind, index.map(|index| (layout.header, index)), range);
    }

    /// Reads the fields of a part. Returns whether all were complete.
    fn part(&mut self, part: usize, nodes: &mut Vec<Node<'b>>) -> bool {
        let layout = self.layout;
        (0..layout.parts[part].fields.len()).all(|index| self.field((part, index), nodes))
    }

    /// Takes the next `len` bytes, and true. If there are fewer, takes those, adds a fault at the field, and returns false.
    fn take(&mut self, id: FieldId, len: usize) -> (&'b [u8], bool) {
        let left = self.bytes.len() - self.at;
        let start = self.at;
        self.at += len.min(left);
        if len > left {
            self.fault(FaultKind::Missing, Some(id), start..self.bytes.len());
        }
        (&self.bytes[start..self.at], len <= left)
    }

    /// The number of bytes or records for a count. `None` if the message ends within the length prefix.
    fn count(&mut self, id: FieldId, count: &Count, part: &Part) -> Option<usize> {
        Some(match count {
            Count::Fixed(count) => *count as usize,
            Count::Slot(slot) => usize::try_from(self.slots[*slot].max(0)).unwrap_or(usize::MAX),
            Count::Prefix(integer) => {
                let (bytes, _) = self.take(id, integer.width.into());
                usize::try_from(integer.read(bytes)?.max(0)).unwrap_or(usize::MAX)
            }
            Count::Rest => {
                let behind = &part.fields[id.1 + 1..];
                let behind: u64 = behind
                    .iter()
                    .filter_map(|field| field.size(&self.layout.parts))
                    .sum();
                let left = self.bytes.len() - self.at;
                left.saturating_sub(usize::try_from(behind).unwrap_or(usize::MAX))
            }
            Count::Nul => {
                let left = &self.bytes[self.at..];
                memchr::memchr(0, left).map_or(left.len(), |nul| nul + 1)
            }
        })
    }

    /// Reads one field. Returns whether it was complete.
    fn field(&mut self, id: FieldId, nodes: &mut Vec<Node<'b>>) -> bool {
        let layout = self.layout;
        let part = &layout.parts[id.0];
        let field = &part.fields[id.1];
        let start = self.at;
        let (value, whole) = match &field.ty {
            Type::Integer(integer, _) | Type::Flags(integer, _) => {
                let (bytes, whole) = self.take(id, integer.width.into());
                match integer.read(bytes) {
                    Some(value) => {
                        self.integer(id, field, *integer, value, start);
                        (Value::Integer(value), whole)
                    }
                    None => return self.cut(id, start, nodes),
                }
            }
            Type::Float(width, order) => {
                let (bytes, whole) = self.take(id, usize::from(*width));
                if !whole {
                    return self.cut(id, start, nodes);
                }
                (Value::Float(float(bytes, *order)), whole)
            }
            Type::Text(count) => {
                let Some(len) = self.count(id, count, part) else {
                    return self.cut(id, start, nodes);
                };
                let (bytes, whole) = self.take(id, len);
                if *count == Count::Nul && bytes.last() != Some(&0) {
                    self.fault(FaultKind::Missing, Some(id), start..self.at);
                }
                (Value::Text(self.text(id, field, count, bytes)), whole)
            }
            Type::Bytes(count) => {
                let Some(len) = self.count(id, count, part) else {
                    return self.cut(id, start, nodes);
                };
                let (bytes, whole) = self.take(id, len);
                self.constant(id, field, bytes, self.at - bytes.len()..self.at);
                (Value::Bytes(bytes), whole)
            }
            Type::Record(inner, None) => {
                let (inside, whole) = self.record(*inner);
                (Value::Record(inside), whole)
            }
            Type::Record(inner, Some(count)) => match self.records(id, *inner, count) {
                Some((records, whole)) => (Value::Records(records), whole),
                None => return self.cut(id, start, nodes),
            },
        };
        let range = start..self.at;
        let content = match (&value, &field.ty) {
            (Value::Text(text), Type::Text(Count::Fixed(_) | Count::Nul)) => {
                start..start + text.len()
            }
            (Value::Text(value) | Value::Bytes(value), _) => range.end - value.len()..range.end,
            _ => range.clone(),
        };
        nodes.push(Node {
            field: id,
            range,
            content,
            value,
        });
        whole
    }

    /// Adds an incomplete number as bytes. Returns false.
    fn cut(&mut self, id: FieldId, start: usize, nodes: &mut Vec<Node<'b>>) -> bool {
        if start < self.at {
            nodes.push(Node {
                field: id,
                range: start..self.at,
                content: start..self.at,
                value: Value::Bytes(&self.bytes[start..self.at]),
            });
        }
        false
    }

    /// Reads one record. Counts from its fields are forgotten at its end.
    fn record(&mut self, part: usize) -> (Vec<Node<'b>>, bool) {
        let outside = self.slots.clone();
        let mut inside = Vec::new();
        let whole = self.part(part, &mut inside);
        self.slots = outside;
        (inside, whole)
    }

    fn records(
        &mut self,
        id: FieldId,
        inner: usize,
        count: &Count,
    ) -> Option<(Vec<Vec<Node<'b>>>, bool)> {
        let layout = self.layout;
        let number = self.count(id, count, &layout.parts[id.0])?;
        // `*` counts bytes; anything else counts records.
        let (number, end) = match count {
            Count::Rest => (usize::MAX, self.at + number),
            _ => (number, self.bytes.len()),
        };
        let mut records = Vec::new();
        while records.len() < number && self.at < end {
            let (inside, whole) = self.record(inner);
            records.push(inside);
            if !whole {
                return Some((records, false));
            }
        }
        let whole = *count == Count::Rest || records.len() == number;
        if !whole {
            self.fault(FaultKind::Missing, Some(id), self.at..self.at);
        }
        Some((records, whole))
    }

    fn integer(&mut self, id: FieldId, field: &Field, integer: Integer, value: i128, start: usize) {
        let range = start..self.at;
        if let Some(slot) = field.slot {
            self.slots[slot] = value;
        }
        let constant = field.constant.as_ref();
        if constant.is_some_and(|constant| *constant != Constant::Integer(value)) {
            self.fault(FaultKind::Constant, Some(id), range.clone());
        }
        let check = field
            .role
            .and_then(|role| check_of(role, &self.bytes[..start]));
        if check.is_some_and(|right| right != value) {
            self.fault(FaultKind::Check, Some(id), range.clone());
        }
        let unnamed = match &field.ty {
            Type::Integer(_, names) => {
                !names.is_empty() && names.iter().all(|(known, _)| *known != value)
            }
            Type::Flags(_, names) => {
                let known = names.iter().fold(0i128, |bits, (bit, _)| bits | 1 << bit);
                value & !known & *integer.range().end() != 0
            }
            _ => false,
        };
        if unnamed {
            self.fault(FaultKind::Unnamed, Some(id), range);
        }
    }

    /// Compares a value with the field's constant. `range`: the field without its prefix.
    fn constant(&mut self, id: FieldId, field: &Field, value: &[u8], range: Range<usize>) {
        if let Some(Constant::Bytes(constant)) = &field.constant
            && constant != value
        {
            self.fault(FaultKind::Constant, Some(id), range);
        }
    }

    /// The value of a text, without padding or a terminating NUL.
    fn text(&mut self, id: FieldId, field: &Field, count: &Count, bytes: &'b [u8]) -> &'b [u8] {
        let range = self.at - bytes.len()..self.at;
        let value = match count {
            Count::Fixed(_) => {
                let len = text_len(bytes, field.fill);
                if field.fill == 0 && bytes[len..].iter().any(|byte| *byte != 0) {
                    self.fault(FaultKind::Fill, Some(id), range.start + len..range.end);
                }
                &bytes[..len]
            }
            Count::Nul => bytes.strip_suffix(&[0]).unwrap_or(bytes),
            _ => bytes,
        };
        if std::str::from_utf8(value).is_err() {
            self.fault(FaultKind::Utf8, Some(id), range.clone());
        }
        self.constant(id, field, value, range);
        value
    }
}

fn float(bytes: &[u8], order: ByteOrder) -> f64 {
    match (
        <[u8; 4]>::try_from(bytes),
        <[u8; 8]>::try_from(bytes),
        order,
    ) {
        (Ok(bytes), _, ByteOrder::Big) => f32::from_be_bytes(bytes).into(),
        (Ok(bytes), _, ByteOrder::Little) => f32::from_le_bytes(bytes).into(),
        (_, Ok(bytes), ByteOrder::Big) => f64::from_be_bytes(bytes),
        (_, Ok(bytes), ByteOrder::Little) => f64::from_le_bytes(bytes),
        _ => f64::NAN,
    }
}
