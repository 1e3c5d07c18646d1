//! The page of the documentation that tells the rules.

use std::fmt::Write;

use super::{BATCH, KEPT, RULES};

/// `docs/reference/retention.md`.
pub fn page() -> String {
    let mut page = format!(
        "# What is forgotten, and when\n\n\
         Written from the rules in `crates/heddle-db/src/retention/rules.rs`; change them there, then\n\
         `HEDDLE_UPDATE=1 cargo test -p heddle-db retention`.\n\n\
         Each hour one replica of `heddle-api` goes through every organization and forgets by these rules, {BATCH} rows a\n\
         transaction. What stands at a place now, what people took back and what is still on its way is never forgotten.\n\n\
         | Table | What | After | Setting |\n|---|---|---|---|\n"
    );
    for rule in RULES {
        let (days, setting) = match rule.age {
            Some(age) => (format!("{} days", age.default_days()), format!("`{}`", age.variable())),
            None => ("at once".to_owned(), String::new()),
        };
        let _ = writeln!(page, "| `{}` | {} | {days} | {setting} |", rule.table, rule.what);
    }
    page.push_str("\nA setting is a whole number of days, at least 1; the table has the defaults.\n\n");
    page.push_str("Of these tables nothing is forgotten by a rule:\n\n| Table | Because |\n|---|---|\n");
    for (table, because) in KEPT {
        let _ = writeln!(page, "| `{table}` | {because} |");
    }
    page.push_str("\nDeleting an organization leaves nothing of it.\n");
    page
}
