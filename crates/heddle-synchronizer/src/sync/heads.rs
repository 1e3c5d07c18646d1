//! The head of the branch: what hints tell of it, against what looks come to.
//!
//! A hint may be about what a look under way comes to by itself, or about what it is too late for. So it is judged when
//! that look has ended, and never against what is applied.

use heddle_core::git::Revision;

/// What is known of the head.
#[derive(Debug, Default)]
pub(super) struct Heads {
    /// What the last look came to that went well.
    newest: Option<Revision>,
    /// What was told of while a look was under way.
    told: Option<Revision>,
}

impl Heads {
    /// What the last look came to that went well.
    pub fn newest(&self) -> Option<&Revision> {
        self.newest.as_ref()
    }

    /// A hint tells of a head, or that there is one. Says whether a look is due for it; while one is under way, the next.
    pub fn hear(&mut self, head: Option<Revision>, is_looking: bool) -> bool {
        let Some(head) = head else { return true };
        if !is_looking {
            return self.newest.as_ref() != Some(&head);
        }
        let before = self.told.replace(head);
        // Of two it is not known which came first.
        before.is_some() && before != self.told
    }

    /// A look has ended, with a head where it went well. Says whether another one is due, for what was told meanwhile.
    pub fn looked(&mut self, head: Option<&Revision>) -> bool {
        if let Some(head) = head {
            self.newest = Some(head.clone());
        }
        self.told.take().is_some_and(|told| head != Some(&told))
    }
}

#[cfg(test)]
mod tests;
