//! Where each user's line starts in the passwd file: name to offset, without the names or the
//! hashes in memory.
//!
//! An entry is 16 bytes, and the table keeps one byte more for each of its buckets, of which
//! between 7/16 and 7/8 are in use: about 20 to 39 bytes a user.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as TableEntry;
use smallvec::SmallVec;

#[derive(Clone, Copy)]
struct Entry {
    /// The name's hash under a key drawn at start, so that nobody can choose names that collide.
    hash: u64,
    /// Bytes from the start of the file to the name.
    offset: u64,
}

/// A name's hash in an index.
#[derive(Clone, Copy)]
pub struct Key(u64);

/// Offsets where a name's line may be; more than one only where two names' hashes are equal.
pub(super) type Candidates = SmallVec<[u64; 1]>;

/// Name to offset, for every user in the file.
#[derive(Default)]
pub struct Index {
    key: RandomState,
    table: HashTable<Entry>,
}

impl Index {
    /// An empty index with room for `users`.
    #[must_use]
    pub fn with_capacity(users: usize) -> Self {
        Self {
            key: RandomState::new(),
            table: HashTable::with_capacity(users),
        }
    }

    /// An empty index with room for as many users as this one has, in which each name has the same key.
    #[must_use]
    pub fn emptied(&self) -> Self {
        Self {
            key: self.key.clone(),
            table: HashTable::with_capacity(self.len()),
        }
    }

    /// The key of `name`.
    #[must_use]
    pub fn key(&self, name: &str) -> Key {
        Key(self.key.hash_one(name.as_bytes()))
    }

    /// Where the line of `name` may be. The caller reads the name there to be sure.
    #[must_use]
    pub fn candidates(&self, name: &str) -> Candidates {
        self.offsets(self.key(name)).collect()
    }

    fn offsets(&self, Key(hash): Key) -> impl Iterator<Item = u64> {
        let entries = self.table.iter_hash(hash);
        let same = entries.filter(move |entry| entry.hash == hash);
        same.map(|entry| entry.offset)
    }

    /// Whether a name with this key is at `offset`.
    #[must_use]
    pub fn is_at(&self, key: Key, offset: u64) -> bool {
        self.offsets(key).any(|at| at == offset)
    }

    /// Whether the name exists, without reading the file. Two names with the same hash are mistaken for each other,
    /// which happens to one in 10^13 with a million users.
    #[must_use]
    pub fn probably_has(&self, name: &str) -> bool {
        let Key(hash) = self.key(name);
        self.table.find(hash, |entry| entry.hash == hash).is_some()
    }

    /// Adds a name by its key, unless a name with the same key exists, which as a rule is the same name; false then.
    pub fn insert_first(&mut self, Key(hash): Key, offset: u64) -> bool {
        let same = |entry: &Entry| entry.hash == hash;
        match self.table.entry(hash, same, |entry| entry.hash) {
            TableEntry::Occupied(_) => false,
            TableEntry::Vacant(place) => {
                place.insert(Entry { hash, offset });
                true
            }
        }
    }

    /// Adds a name that is not there yet.
    pub fn insert(&mut self, name: &str, offset: u64) {
        let Key(hash) = self.key(name);
        self.table
            .insert_unique(hash, Entry { hash, offset }, |entry| entry.hash);
    }

    /// Moves `name` from the line at `old` to the one at `new`; false if it was not at `old`.
    pub fn repoint(&mut self, name: &str, old: u64, new: u64) -> bool {
        let Key(hash) = self.key(name);
        let found = self
            .table
            .find_mut(hash, |entry| entry.hash == hash && entry.offset == old);
        match found {
            Some(entry) => {
                entry.offset = new;
                true
            }
            None => false,
        }
    }

    /// Users in the index.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Bytes of memory that the table takes.
    #[must_use]
    pub fn allocation(&self) -> usize {
        self.table.allocation_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_where_they_were_put() {
        let mut index = Index::default();
        let names: Vec<_> = (0..1000).map(|n| format!("user{n}")).collect();
        for (offset, name) in names.iter().enumerate() {
            index.insert(name, offset as u64);
        }
        for (offset, name) in names.iter().enumerate() {
            assert_eq!(index.candidates(name)[..], [offset as u64]);
        }
        assert!(index.candidates("nobody").is_empty());
        assert_eq!(index.len(), 1000);
    }

    #[test]
    fn a_name_moves_only_from_where_it_is() {
        let mut index = Index::default();
        index.insert("alice", 7);
        assert!(!index.repoint("alice", 8, 9));
        assert!(index.repoint("alice", 7, 9));
        assert_eq!(index.candidates("alice")[..], [9]);
    }

    #[test]
    fn a_user_takes_well_under_120_bytes() {
        let mut index = Index::default();
        for n in 0..100_000 {
            index.insert(&format!("u{n}"), n);
        }
        assert!(index.allocation() / 100_000 < 60, "{}", index.allocation());
    }
}
