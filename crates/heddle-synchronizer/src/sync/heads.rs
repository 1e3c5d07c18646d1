//! The heads of the branch that a Sync knows: what another Sync has come to is worth a look where it is none of these.

use std::collections::VecDeque;

use heddle_core::git::Revision;

/// So many are remembered: another Sync may still be at one that this one has left.
const REMEMBERED: usize = 4;

/// The last heads that this Sync came to, or looked for because another one came to them.
#[derive(Debug, Default)]
pub(super) struct Heads(VecDeque<Revision>);

impl Heads {
    /// A look came to a head, or is made because of it.
    pub fn note(&mut self, head: &Revision) {
        self.0.retain(|known| known != head);
        self.0.push_back(head.clone());
        while self.0.len() > REMEMBERED {
            self.0.pop_front();
        }
    }

    /// Whether nothing was known of it.
    pub fn is_news(&self, head: &Revision) -> bool {
        !self.0.contains(head)
    }

    /// What is followed is another branch.
    pub fn forget(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests;
