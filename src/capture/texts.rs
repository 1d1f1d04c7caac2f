//! Hides texts that a capture file has besides its frames: comments, names and descriptions. A redacted file must not
//! reveal in them what it hides in its frames.

use super::batch::Interface;
use super::options::{self, END, NAME};

/// Removes from a text what must not be shown. Returns whether the text is kept.
pub type HideText = Box<dyn Fn(&mut [u8]) -> bool + Send>;

/// Options of an interface that are no text: addresses, speeds, clock, length of the frame check sequence.
const OF_INTERFACE: [u16; 11] = [4, 5, 6, 7, 8, 9, 10, 13, 14, 16, 17];
/// Options of a frame that are no text: flags, drop count, packet id, queue, verdict, process.
const OF_FRAME: [u16; 6] = [2, 4, 5, 6, 7, 8];
/// Options of interface statistics that are no text: times and counts.
const OF_STATISTICS: [u16; 7] = [2, 3, 4, 5, 6, 7, 8];
/// Options of name resolution that are no text: addresses of the DNS server.
const OF_NAMES: [u16; 2] = [3, 4];
/// Bytes before the options of interface statistics.
const STATISTICS_HEAD: usize = 12;

/// A list of options with its texts changed. Options with a code in `others` are no text.
fn changed(list: &[u8], others: &[u16], hide: &HideText) -> Vec<u8> {
    let mut kept = Vec::with_capacity(list.len());
    for (code, value) in options::list(list) {
        let mut value = value.to_vec();
        if others.contains(&code) || hide(&mut value) {
            options::push(&mut kept, code, &value);
        }
    }
    kept
}

/// The options of a section header, changed.
pub(super) fn of_section(list: &[u8], hide: &HideText) -> Vec<u8> {
    changed(list, &[], hide)
}

/// The options of a frame, changed.
pub(super) fn of_frame(list: &[u8], hide: &HideText) -> Vec<u8> {
    changed(list, &OF_FRAME, hide)
}

/// An interface, changed. Its name is kept even if `hide` drops it: outputs distinguish interfaces by name.
pub(super) fn of_interface(interface: &Interface, hide: &HideText) -> Interface {
    let mut list = Vec::with_capacity(interface.options.len());
    for (code, value) in options::list(&interface.options) {
        let mut value = value.to_vec();
        if OF_INTERFACE.contains(&code) || hide(&mut value) || code == NAME {
            options::push(&mut list, code, &value);
        }
    }
    let name = interface.name.as_ref().map(|name| {
        let mut octets = name.clone().into_bytes();
        hide(&mut octets);
        String::from_utf8_lossy(&octets).into_owned()
    });
    Interface {
        name,
        options: list,
        ..interface.clone()
    }
}

/// The body of interface statistics, changed.
pub(super) fn of_statistics(body: &[u8], hide: &HideText) -> Vec<u8> {
    let head = body.len().min(STATISTICS_HEAD);
    let mut kept = body[..head].to_vec();
    kept.extend(changed(&body[head..], &OF_STATISTICS, hide));
    options::push(&mut kept, END, &[]);
    kept
}

/// The body of name resolution, changed (draft-ietf-opsawg-pcapng section 4.5): records of an address and its names,
/// then options. `None` if a name must be dropped.
pub(super) fn of_names(body: &[u8], hide: &HideText) -> Option<Vec<u8>> {
    let mut kept = Vec::with_capacity(body.len());
    for (code, value) in options::list(body) {
        let address = match code {
            1 => 4,
            2 => 16,
            3 => 6,
            4 => 8,
            _ => 0,
        };
        let mut value = value.to_vec();
        let start = address.min(value.len());
        if !hide(&mut value[start..]) {
            return None;
        }
        options::push(&mut kept, code, &value);
    }
    let rest = body.get(kept.len() + 4..).unwrap_or_default();
    options::push(&mut kept, END, &[]);
    let list = changed(rest, &OF_NAMES, hide);
    if !list.is_empty() {
        kept.extend(list);
        options::push(&mut kept, END, &[]);
    }
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::options::COMMENT;

    fn stars() -> HideText {
        Box::new(|text| {
            if let Some(at) = text.windows(6).position(|part| part == b"secret") {
                text[at..at + 6].fill(b'*');
            }
            true
        })
    }

    fn none() -> HideText {
        Box::new(|_| false)
    }

    #[test]
    fn numbers_stay_and_texts_are_changed_or_left_out() {
        let mut list = Vec::new();
        options::push(&mut list, COMMENT, b"my secret!");
        options::push(&mut list, 2, b"secr");
        let kept: Vec<_> = options::list(&of_frame(&list, &stars()))
            .map(|(code, value)| (code, value.to_vec()))
            .collect();
        assert_eq!(kept, [(1, b"my ******!".to_vec()), (2, b"secr".to_vec())]);
        let left = of_frame(&list, &none());
        assert_eq!(
            options::list(&left)
                .map(|(code, _)| code)
                .collect::<Vec<_>>(),
            [2]
        );
    }

    #[test]
    fn names_and_what_follows_them_are_changed() {
        let mut body = Vec::new();
        options::push(&mut body, 1, b"\x7f\0\0\x01secret.test\0");
        options::push(&mut body, END, &[]);
        options::push(&mut body, 2, b"the secret");
        options::push(&mut body, END, &[]);
        let kept = of_names(&body, &stars()).unwrap();
        assert_eq!(kept.len(), body.len());
        assert!(!kept.windows(6).any(|part| part == b"secret"));
        assert!(kept.windows(4).any(|part| part == b"\x7f\0\0\x01"));
        assert_eq!(of_names(&body, &none()), None);
    }
}
