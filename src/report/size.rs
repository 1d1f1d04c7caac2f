//! Limits on each part of a page, so that the page stays within its size.

/// The largest page, in bytes.
pub const MOST_BYTES: usize = 300_000;

/// Rows of each part at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows {
    /// Users, addresses and connections in the statistics as JSON.
    pub json: usize,
    pub users: usize,
    pub addresses: usize,
    pub conversations: usize,
    /// Of each heat map.
    pub heat: usize,
    pub exchanges: usize,
    /// Exchanges with their messages' bytes.
    pub worst: usize,
    pub findings: usize,
    pub faults: usize,
}

/// From the usual limits to those for names and texts that are as long as possible.
const LEVELS: [Rows; 4] = [
    Rows {
        json: 100,
        users: 200,
        addresses: 100,
        conversations: 20,
        heat: 16,
        exchanges: 400,
        worst: 10,
        findings: 60,
        faults: 24,
    },
    Rows {
        json: 50,
        users: 100,
        addresses: 60,
        conversations: 15,
        heat: 12,
        exchanges: 250,
        worst: 10,
        findings: 40,
        faults: 16,
    },
    Rows {
        json: 30,
        users: 50,
        addresses: 30,
        conversations: 10,
        heat: 10,
        exchanges: 120,
        worst: 10,
        findings: 20,
        faults: 10,
    },
    Rows {
        json: 10,
        users: 15,
        addresses: 10,
        conversations: 5,
        heat: 6,
        exchanges: 30,
        worst: 10,
        findings: 8,
        faults: 5,
    },
];

/// The page that `write` makes with the most rows that keep it within its size.
pub(super) fn fitting(write: impl Fn(Rows) -> String) -> String {
    let mut page = String::new();
    for rows in LEVELS {
        page = write(rows);
        if page.len() <= MOST_BYTES {
            break;
        }
    }
    page
}
