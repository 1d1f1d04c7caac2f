//! Parses the words of a field: built-in types, numbers, and the default key and label of a name.

use crate::layout::model::{ByteOrder, Integer};

/// The built-in types, without a suffix for the byte order.
pub(in crate::layout) const TYPES: [&str; 13] = [
    "u8", "u16", "u24", "u32", "u64", "i8", "i16", "i32", "i64", "f32", "f64", "text", "bytes",
];

/// A built-in number type. A float has its width in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::layout) enum Number {
    Integer(Integer),
    Float(u8, ByteOrder),
}

/// The number type with this name; `order` applies if the name has no suffix. `None` if there is none.
pub(in crate::layout) fn number(name: &str, order: ByteOrder) -> Option<Number> {
    let (name, order) = match (name.strip_suffix("le"), name.strip_suffix("be")) {
        (Some(name), _) => (name, ByteOrder::Little),
        (_, Some(name)) => (name, ByteOrder::Big),
        _ => (name, order),
    };
    let integer = |width, signed| {
        Number::Integer(Integer {
            width,
            signed,
            order,
        })
    };
    Some(match name {
        "u8" => integer(1, false),
        "u16" => integer(2, false),
        "u24" => integer(3, false),
        "u32" => integer(4, false),
        "u64" => integer(8, false),
        "i8" => integer(1, true),
        "i16" => integer(2, true),
        "i32" => integer(4, true),
        "i64" => integer(8, true),
        "f32" => Number::Float(4, order),
        "f64" => Number::Float(8, order),
        _ => return None,
    })
}

/// The number in `text`: decimal or `0x`, with an optional minus, of at most 64 bits. `None` if it is not one.
pub(in crate::layout) fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let value = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok()?,
        None if digits.bytes().all(|c| c.is_ascii_digit()) => digits.parse().ok()?,
        None => return None,
    };
    let value = i128::from(value);
    Some(if negative { -value } else { value })
}

/// The default JSON key and filter name of a field's name.
pub(in crate::layout) fn key_of(name: &str) -> String {
    let kept = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '_'
        }
    };
    name.chars().map(kept).collect()
}

/// The label of a field's name: "userName" gives "User name", "commandID" gives "Command ID".
pub(in crate::layout) fn label_of(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (index, &c) in chars.iter().enumerate() {
        if c == '_' || c == '-' || c.is_whitespace() {
            words.push(String::new());
            continue;
        }
        let before = index.checked_sub(1).map(|before| chars[before]);
        let behind = chars.get(index + 1);
        let starts = c.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_ascii_digit()
                    || (before.is_uppercase() && behind.is_some_and(|c| c.is_lowercase()))
            });
        if starts {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    words.retain(|word| !word.is_empty());
    for word in &mut words {
        let is_acronym = word.chars().count() > 1 && !word.chars().any(char::is_lowercase);
        if !is_acronym {
            *word = word.to_lowercase();
        }
    }
    let text = words.join(" ");
    let mut rest = text.chars();
    match rest.next() {
        Some(first) => first.to_uppercase().chain(rest).collect(),
        None => text,
    }
}
