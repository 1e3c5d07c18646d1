//! What a member may ask to be written: decided by their role, and for operators by the environments that it touches.

use std::collections::BTreeSet;

use heddle_core::{
    id::RepositoryId,
    name::EnvironmentName,
    request::{Asked, RuleEdit},
};
use heddle_db::{Tx, grants, members};
use heddle_wire::view::Role;

use crate::{
    permission::{parse_role, role_word},
    principal::Member,
    problem::{ApiError, ApiResult},
};

/// Why a member may not ask for a write that touches these environments of a repository; `None` where they may.
///
/// An admin and an owner may for all. An operator may where each environment was granted to them; without a grant an
/// operator may no more than a viewer. What touches no environment that is known counts for all that come, which nobody was
/// granted.
pub fn refusal(role: Role, granted: &BTreeSet<EnvironmentName>, touched: &BTreeSet<EnvironmentName>) -> Option<String> {
    match role {
        Role::Owner | Role::Admin => None,
        Role::Operator if touched.is_empty() => Some(format!(
            "it touches no environment that is known, so none could be granted for it; this takes the role {}, and yours is {}",
            role_word(Role::Admin),
            role_word(role)
        )),
        Role::Operator => {
            let missing: Vec<String> =
                touched.difference(granted).map(|environment| format!("`{environment}`")).collect();
            (!missing.is_empty()).then(|| {
                format!(
                    "an operator needs a grant for each environment that it touches, and you have none for {}; an owner gives \
                     it under Settings, Members",
                    missing.join(", ")
                )
            })
        }
        Role::Viewer => Some(format!(
            "this takes the role {} with a grant; yours is {}",
            role_word(Role::Operator),
            role_word(role)
        )),
    }
}

/// Why a member may not ask for this, wherever it is: what stops everybody, and its end, takes the role admin.
fn refusal_of_role(role: Role, asked: &Asked) -> Option<String> {
    let is_enough = matches!(role, Role::Admin | Role::Owner);
    (!is_enough && asked.edits().iter().any(RuleEdit::takes_admin))
        .then(|| format!("a freeze and its end take the role {}; yours is {}", role_word(Role::Admin), role_word(role)))
}

/// Why a member with these grants in a repository may not ask for this; `None` where they may.
pub fn refusal_of_asked(role: Role, granted: &BTreeSet<EnvironmentName>, asked: &Asked) -> Option<String> {
    refusal_of_role(role, asked).or_else(|| refusal(role, granted, &asked.touched()))
}

/// The same for a member, with the grants that are kept of them.
///
/// # Errors
/// When the store cannot be reached.
pub async fn refusal_of(
    tx: &mut Tx,
    member: &Member,
    repository: RepositoryId,
    asked: &Asked,
) -> ApiResult<Option<String>> {
    let granted = match member.role {
        Role::Operator => grants::list_of(&mut **tx, member.organization, member.person.user).await?,
        Role::Viewer | Role::Admin | Role::Owner => Vec::new(),
    };
    let here = granted.into_iter().filter(|grant| grant.repository == repository);
    let granted: BTreeSet<EnvironmentName> = here.map(|grant| grant.environment).collect();
    Ok(refusal_of_asked(member.role, &granted, asked))
}

/// Keeps a member's role and grants as they are until the transaction ends, and lowers the role to what it is by now: a right that
/// is taken back meanwhile either refuses what is asked for, or ends it.
///
/// # Errors
/// 403 when they are no member any more.
pub async fn hold(tx: &mut Tx, member: &mut Member) -> ApiResult<()> {
    let role = members::lock_role(&mut **tx, member.organization, member.person.user).await?;
    let gone = || ApiError::forbidden("not-a-member", "you are no member of this organization any more");
    member.role = member.role.min(parse_role(&role.ok_or_else(gone)?)?);
    Ok(())
}

/// Refuses a member who may not.
///
/// # Errors
/// 403 with the reason.
pub async fn require(tx: &mut Tx, member: &Member, repository: RepositoryId, asked: &Asked) -> ApiResult<()> {
    match refusal_of(tx, member, repository, asked).await? {
        None => Ok(()),
        Some(reason) => Err(ApiError::forbidden("grant-missing", reason)),
    }
}

#[cfg(test)]
mod tests;
