//! What people took back, and what stood afterwards.
//!
//! A pull request that somebody asked for and that was closed says no to that request. What the rules choose goes on, so it
//! bars nothing.

use heddle_core::{
    id::{ChangeId, OrganizationId, RepositoryId},
    observe::{PastChange, TakenBack},
    pipeline::FactKind,
};
use sqlx::PgExecutor;

use crate::error::{DbError, from_json, word};

/// What decides which tags are barred in a repository: the changes that people took back and that no later one of just
/// the same places followed, and for each set of places of these images the newest merged change that stands.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_past(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    repository: RepositoryId,
) -> Result<Vec<PastChange>, DbError> {
    // `spot` and `place` go from one set of places to the next by the indexes `changes_taken_back` and `changes_places`.
    // Subqueries of one row keep the planner from reading a whole history to join it with a few rows. `offset 0` around
    // `coalesce`: row security lets no such expression into an index.
    let rows = sqlx::query!(
        r#"with recursive spot as (
               (select c.branch, c.environment, c.image, c.place_key from changes c
                where c.organization_id = $1 and c.repository_id = $2 and c.taken_back
                order by c.branch, c.environment, c.image, c.place_key limit 1)
               union all
               select n.* from spot s cross join lateral (
                   select c.branch, c.environment, c.image, c.place_key from changes c
                   where c.organization_id = $1 and c.repository_id = $2 and c.taken_back
                       and (c.branch, c.environment, c.image, c.place_key)
                           > (s.branch, s.environment, s.image, s.place_key)
                   order by c.branch, c.environment, c.image, c.place_key limit 1) n
           ), barring as materialized (
               select t.* from spot s
               cross join lateral (
                   select coalesce((
                       select c.sequence from changes c
                       where c.organization_id = $1 and c.repository_id = $2 and c.branch = s.branch
                           and c.environment = s.environment and c.image = s.image and c.place_key = s.place_key
                           and c.merged_ordinal is not null and not c.taken_back and cardinality(c.rolls_back) = 0
                       order by c.sequence desc limit 1), 0) as sequence
                   offset 0) standing
               cross join lateral (
                   select c.id, c.sequence, c.branch, c.environment, c.image from changes c
                   where c.organization_id = $1 and c.repository_id = $2 and c.branch = s.branch
                       and c.environment = s.environment and c.image = s.image and c.place_key = s.place_key
                       and c.taken_back and c.sequence > standing.sequence
                       and (not exists (select from requests q where q.proposal_id = c.proposal_id)
                           or exists (select from facts f
                                      where f.organization_id = $1 and f.change_id = c.id and f.key = 'reverted'))
                   offset 0) t
           ), place as (
               select n.* from (select distinct branch, environment, image from barring) b cross join lateral (
                   select c.branch, c.environment, c.image, c.place_key from changes c
                   where c.organization_id = $1 and c.repository_id = $2 and c.merged_ordinal is not null
                       and c.branch = b.branch and c.environment = b.environment and c.image = b.image
                   order by c.place_key limit 1) n
               union all
               select n.* from place p cross join lateral (
                   select c.branch, c.environment, c.image, c.place_key from changes c
                   where c.organization_id = $1 and c.repository_id = $2 and c.merged_ordinal is not null
                       and c.branch = p.branch and c.environment = p.environment and c.image = p.image
                       and c.place_key > p.place_key
                   order by c.place_key limit 1) n
           ), standing as materialized (
               select n.* from place p cross join lateral (
                   select c.id, c.sequence, c.branch, c.environment, c.image from changes c
                   where c.organization_id = $1 and c.repository_id = $2 and c.branch = p.branch
                       and c.environment = p.environment and c.image = p.image and c.place_key = p.place_key
                       -- What brings back what stood before is nothing newer: the bar stays.
                       and c.merged_ordinal is not null and not c.taken_back and cardinality(c.rolls_back) = 0
                   order by c.sequence desc limit 1) n
           )
           select c.id, c.sequence as "sequence!", c.branch, c.environment, c.image, c.to_tag, c.to_digest, c.places,
                  (select f.body from facts f
                   where f.organization_id = $1 and f.change_id = c.id and f.key in ('reverted', 'declined')
                   order by f.id limit 1) as body,
                  (select p.number from proposals p where p.id = c.proposal_id) as number
           from changes c
           where c.id = any(array(
               select b.id from barring b
               union
               select s.id from standing s
               where exists (select from barring b
                             where (b.branch, b.environment, b.image) = (s.branch, s.environment, s.image)
                                 and b.sequence < s.sequence)))
           order by c.sequence"#,
        organization.0,
        repository.0,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let fact = row.body.map(|body| from_json("facts.body", body)).transpose()?;
            Ok(PastChange {
                id: ChangeId(row.id),
                sequence: row.sequence,
                branch: word("changes.branch", &row.branch)?,
                environment: word("changes.environment", &row.environment)?,
                image: word("changes.image", &row.image)?,
                to: word("changes.to_tag", &row.to_tag)?,
                to_digest: row.to_digest.map(|digest| word("changes.to_digest", &digest)).transpose()?,
                places: from_json("changes.places", row.places)?,
                taken_back: fact.and_then(|fact| taken_back(fact, row.number)),
            })
        })
        .collect()
}

fn taken_back(fact: FactKind, number: Option<i64>) -> Option<TakenBack> {
    match fact {
        FactKind::Reverted { revision } => Some(TakenBack::Reverted { revision }),
        FactKind::Declined { by } => Some(TakenBack::Declined { by, number: number.map(i64::unsigned_abs) }),
        _ => None,
    }
}
