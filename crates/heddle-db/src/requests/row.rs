//! The columns of a request, and what they say.

use chrono::{DateTime, Utc};
use heddle_core::{
    change::ProposalRef,
    id::{ProposalId, RepositoryId, RequestId, UserId},
    request::{Asked, Reason, Release, RequestState, Requested, Requester},
};
use uuid::Uuid;

use super::Request;
use crate::{
    changes::parse_mode,
    error::{DbError, from_json, word},
};

pub(super) struct Row {
    pub id: Uuid,
    pub repository_id: Uuid,
    pub repository_name: String,
    pub user_id: Uuid,
    pub requested_by: String,
    pub reason: Option<String>,
    pub branch: String,
    pub head: String,
    pub environment: Option<String>,
    pub image: Option<String>,
    pub to_tag: Option<String>,
    pub asked: Option<serde_json::Value>,
    pub mode: String,
    pub places: serde_json::Value,
    pub despite: Vec<String>,
    pub proposal_id: Option<Uuid>,
    pub ended: Option<String>,
    pub end_reason: Option<String>,
    pub created_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub proposal_state: Option<String>,
    pub number: Option<i64>,
    pub url: Option<String>,
    pub revision: Option<String>,
    pub waits_for: Option<String>,
    pub waiting: Option<String>,
    pub unwritten: Option<String>,
}

/// Every list reads the same columns. A proposal and the last try of one are each asked for by their own row.
macro_rules! select {
    ($rest:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select q.id, q.repository_id, r.name as repository_name, q.user_id, q.requested_by, q.reason, q.branch,
                      q.head, q.environment, q.image, q.to_tag, q.asked, q.mode, q.places, q.despite, q.proposal_id, q.ended,
                      q.end_reason, q.waiting, q.created_at, q.ended_at, p.state as "proposal_state?", p.number as "number?",
                      p.url as "url?", p.revision as "revision?", p.waits_for as "waits_for?",
                      i.reason as "unwritten?"
               from requests q
               join repositories r on r.id = q.repository_id
               left join proposals p on p.id = q.proposal_id
               left join lateral (select i.reason from intents i
                                  where i.proposal_id = q.proposal_id and i.state = 'abandoned' and q.ended is null
                                  order by i.created_at desc limit 1) i on true
               "# + $rest
            $(, $argument)*
        )
    };
}

impl TryFrom<Row> for Request {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let proposal_ref = match (row.number, row.url, row.revision) {
            (Some(number), Some(url), _) => Some(ProposalRef::PullRequest { number: number.unsigned_abs(), url }),
            (None, url, Some(revision)) => {
                Some(ProposalRef::Commit { revision: word("proposals.revision", &revision)?, url })
            }
            _ => None,
        };
        let asked = match row.asked {
            Some(asked) => from_json("requests.asked", asked)?,
            None => released(row.environment, row.image, row.to_tag, row.places)?,
        };
        let reason = |text: String| word::<Reason>("requests.reason", &text);
        Ok(Self {
            id: RequestId(row.id),
            repository: RepositoryId(row.repository_id),
            repository_name: word("repositories.name", &row.repository_name)?,
            requested: Requested {
                by: Requester::new(&row.requested_by, UserId(row.user_id)),
                reason: row.reason.map(reason).transpose()?,
            },
            branch: word("requests.branch", &row.branch)?,
            head: word("requests.head", &row.head)?,
            mode: parse_mode(&row.mode)?,
            asked,
            despite: row.despite.iter().map(|text| word("requests.despite", text)).collect::<Result<_, _>>()?,
            state: state(row.ended.as_deref(), row.proposal_state.as_deref())?,
            why: row.end_reason.or(row.unwritten),
            waiting: row.waiting,
            proposal: row.proposal_id.map(ProposalId),
            proposal_ref,
            waits_for: row.waits_for,
            created_at: row.created_at,
            ended_at: row.ended_at,
        })
    }
}

/// What a row of the release before asks for: it knew nothing but releases.
fn released(
    environment: Option<String>,
    image: Option<String>,
    to: Option<String>,
    places: serde_json::Value,
) -> Result<Asked, DbError> {
    let missing = || DbError::Corrupt { column: "requests.asked", reason: "nothing says what is asked for".to_owned() };
    Ok(Asked::Release(Release {
        environment: word("requests.environment", &environment.ok_or_else(missing)?)?,
        image: word("requests.image", &image.ok_or_else(missing)?)?,
        to: word("requests.to_tag", &to.ok_or_else(missing)?)?,
        places: from_json("requests.places", places)?,
        holds: Vec::new(),
    }))
}

/// Where a request stands, by its stored end, else by its proposal.
fn state(ended: Option<&str>, proposal: Option<&str>) -> Result<RequestState, DbError> {
    let corrupt = |reason: String| DbError::Corrupt { column: "requests.ended", reason };
    match (ended, proposal) {
        (Some(ended), _) => RequestState::parse(ended).ok_or_else(|| corrupt(format!("`{ended}` is no state"))),
        (None, None | Some("abandoned")) => Ok(RequestState::Waiting),
        (None, Some("announced")) => Ok(RequestState::Writing),
        // One that GitHub merged or closed ends in the transaction that says so.
        (None, Some("open" | "merged" | "closed")) => Ok(RequestState::Proposed),
        (None, Some(other)) => Err(corrupt(format!("`{other}` is no state of a proposal"))),
    }
}

pub(super) use select;
