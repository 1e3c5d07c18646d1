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
    // `place` goes from one set of places to the next by the index `changes_places`. `offset 0` and the subqueries of
    // one row keep the planner from reading a whole history to join it with a few rows.
    let rows = sqlx::query!(
        r#"with recursive taken as materialized (
               select c.id, c.sequence, c.branch, c.environment, c.image, c.place_key
               from facts f cross join lateral (
                   select c.id, c.sequence, c.branch, c.environment, c.image, c.place_key, c.proposal_id
                   from changes c where c.id = f.change_id and c.repository_id = $2 offset 0) c
               where f.organization_id = $1 and f.key in ('reverted', 'declined')
                   and (f.key = 'reverted' or coalesce((
                       select false from requests q where q.proposal_id = c.proposal_id limit 1), true))
           ), place as (
               select n.* from (select distinct branch, environment, image from taken) t cross join lateral (
                   select n.branch, n.environment, n.image, n.place_key from changes n
                   where n.organization_id = $1 and n.repository_id = $2 and n.merged_ordinal is not null
                       and (n.branch, n.environment, n.image) >= (t.branch, t.environment, t.image)
                   order by n.branch, n.environment, n.image, n.place_key limit 1) n
               where (n.branch, n.environment, n.image) = (t.branch, t.environment, t.image)
               union all
               select n.* from place p cross join lateral (
                   select n.branch, n.environment, n.image, n.place_key from changes n
                   where n.organization_id = $1 and n.repository_id = $2 and n.merged_ordinal is not null
                       and (n.branch, n.environment, n.image, n.place_key)
                           > (p.branch, p.environment, p.image, p.place_key)
                   order by n.branch, n.environment, n.image, n.place_key limit 1) n
               where (n.branch, n.environment, n.image) = (p.branch, p.environment, p.image)
           ), standing as materialized (
               select n.* from place p cross join lateral (
                   select n.id, n.sequence, n.branch, n.environment, n.image, n.place_key from changes n
                   where n.organization_id = $1 and n.repository_id = $2 and n.branch = p.branch
                       and n.environment = p.environment and n.image = p.image and n.place_key = p.place_key
                       and n.merged_ordinal is not null
                       and (not n.settled or coalesce(
                           (select false from facts f
                            where f.organization_id = $1 and f.change_id = n.id and f.key in ('reverted', 'declined')
                            limit 1), true))
                   order by n.sequence desc limit 1) n
           ), barring as materialized (
               select t.* from taken t
               where not exists (
                   select from standing s
                   where (s.branch, s.environment, s.image, s.place_key)
                       = (t.branch, t.environment, t.image, t.place_key) and s.sequence > t.sequence)
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
