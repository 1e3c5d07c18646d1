//! Cases, named as facts, in the user's words, on every part together; and the rules that the tree keeps.
//!
//! | Case | Where |
//! |---|---|
//! | 1 a new tag is proposed, merged, applied and healthy | [`spine`] |
//! | 2 an environment in commit mode needs nobody | [`tags`] |
//! | 3 a newer tag updates the open pull request | [`tags`] |
//! | 4 a tag outside the range changes nothing, and says why | [`tags`] |
//! | 5 a registry that fails or answers half changes nothing | [`tags`] |
//! | 6 a human commit between reading and writing is not lost | [`people`] |
//! | 7 webhooks lost, doubled, out of order, forged | [`webhooks`] |
//! | 8 a kill between commit and confirmation, between intent and commit | [`spine`], [`kills`] |
//! | 9 a revert, a closed pull request, an edited bot branch are respected | [`people`] |
//! | 10 a broken rule stops its own writes and lets no broader rule write | [`people`] |
//! | 11 an overlay whose base changed is applied | [`cluster`] |
//! | 12 two Syncs in one cluster, one broken | [`cluster`] |
//! | 13 one broken manifest of ten | [`cluster`] |
//! | 14 an object removed from Git is pruned, one that is not ours never | [`cluster`] |
//! | 15 the path emptied by mistake: nothing deleted, and it asks | [`cluster`] |
//! | 16 drift by kubectl is healed, and the report says who and what | [`cluster`] |
//! | 17 the API down during a deploy | [`link`] |
//! | 18 every program killed at four points and more | [`kills`] |
//! | 19 two organizations never see each other | `crates/heddle-api/tests/it/walk.rs`, walked from the OpenAPI file |
//! | 20 a revoked agent is out | [`link`]; on every replica: `crates/heddle-api/tests/it/agents.rs` |
//! | 21 a secret in a manifest is in no report, log, row or error | [`secrets`] |
//! | 22 a private image says why it cannot be read, on the page and in the shell | [`logins`] |
//! | 23 a login that is removed while a scan runs, and sealing keys that are rotated under load | [`logins`] |
//! | 24 a host that throttles while another goes on | [`logins`] |
//! | 25 drift of folders and playbooks stands on the page and in the shell, and nothing secret does | [`drift`] |

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod browser;
mod charts;
mod cluster;
mod deploy;
mod drift;
mod hands;
mod kills;
mod link;
mod logins;
mod people;
mod policies;
mod release;
mod revisions;
mod rules;
mod secrets;
mod spine;
mod tags;
mod webhooks;
