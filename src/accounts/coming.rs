//! Registrations in progress, by name. When one of them gets the name, the others learn that it is taken without
//! asking the store and without a hash.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use crate::locks::lock;
use crate::protocol::UserName;

/// The shared state of the registrations of a name, and their number.
type Names = Mutex<HashMap<String, (Arc<Common>, usize)>>;

struct Common {
    /// Whether the store told one of them that the name is taken.
    told: watch::Sender<bool>,
    /// Held by the one that asks the store, so that a thousand do not ask at once.
    asking: tokio::sync::Mutex<()>,
}

/// The names that are being registered here.
#[derive(Default)]
pub struct Coming {
    names: Arc<Names>,
}

impl Coming {
    /// One more registration of `name`, until the result is dropped.
    pub fn enter(&self, name: &UserName) -> Entered {
        let name = name.as_str().to_owned();
        let mut names = lock(&self.names);
        let new = || Common {
            told: watch::Sender::new(false),
            asking: tokio::sync::Mutex::default(),
        };
        let (common, count) = names
            .entry(name.clone())
            .or_insert_with(|| (Arc::new(new()), 0));
        *count += 1;
        let common = Arc::clone(common);
        drop(names);
        Entered {
            name,
            common,
            names: Arc::clone(&self.names),
        }
    }
}

/// A registration under way.
pub struct Entered {
    name: String,
    common: Arc<Common>,
    names: Arc<Names>,
}

impl Entered {
    /// Returns when another registration of the name has learned from the store that the name is taken.
    pub async fn taken(&self) {
        let mut told = self.common.told.subscribe();
        // The sender exists as long as this does.
        let _ = told.wait_for(|told| *told).await;
    }

    /// The turn to ask the store, until the result is dropped.
    pub async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.common.asking.lock().await
    }

    /// The store has a user of the name: the others learn that it is taken. Later registrations ask the store again,
    /// because the name may become free.
    pub fn tell(&self) {
        self.leave(|_| true);
        self.common.told.send_replace(true);
    }

    /// Forgets the name, unless those who wait for it now are others, where `goes` says so of how many they are.
    fn leave(&self, goes: impl Fn(&mut usize) -> bool) {
        let mut names = lock(&self.names);
        let own = names
            .get_mut(&self.name)
            .filter(|(common, _)| Arc::ptr_eq(common, &self.common));
        if own.is_some_and(|(_, count)| goes(count)) {
            names.remove(&self.name);
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.leave(|count| {
            *count -= 1;
            *count == 0
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_hears_of_the_name_and_who_comes_later_does_not() {
        let coming = Coming::default();
        let alice = UserName::new("alice").unwrap();
        let (first, second) = (coming.enter(&alice), coming.enter(&alice));
        let bob = coming.enter(&UserName::new("bob").unwrap());
        first.tell();
        second.taken().await;
        assert!(!*bob.common.told.borrow());
        assert!(!*coming.enter(&alice).common.told.borrow());
        drop((first, second, bob));
        assert!(coming.names.lock().unwrap().is_empty());
    }
}
