use heddle_core::name::SyncName;

use super::*;
use crate::agent::Follows;

fn state(errors: usize) -> SyncReport {
    let error = SyncError { file: None, line: None, object: None, message: "x".repeat(100).into() };
    SyncReport {
        sync: SyncName { namespace: "heddle-system".into(), name: "shop".into() },
        follows: Follows::Faulty { message: "no".into() },
        suspended: false,
        applied_revision: None,
        attempted_revision: None,
        fetched_at: None,
        conditions: vec![],
        errors: vec![error; errors],
        observed: None,
        drifts: vec![],
        stopped_prune: None,
    }
}

#[test]
fn a_state_fits_together_with_the_error_that_says_what_was_left_out() {
    assert_eq!(state(10).fit(usize::MAX), state(10));
    for most_bytes in [1000, 2000, 4000, usize::MAX] {
        let fitted = state(1000).fit(most_bytes);
        assert!(serde_json::to_vec(&fitted).unwrap().len() <= most_bytes, "{most_bytes}");
        assert!(fitted.errors.len() <= MAX_ERRORS);
        let left = format!("{} errors", 1000 - (fitted.errors.len() - 1));
        assert!(fitted.errors[0].message.as_str().starts_with(&left), "{:?}", fitted.errors[0]);
    }
}
