//! How much is in which state, for whoever watches this server.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use heddle_core::{
    drift::{DriftState, DriftTool},
    id::OrganizationId,
};
use heddle_db::{Db, drift_records::Which, organizations};
use tracing::warn;

use super::{Judged, judge_all};
use crate::problem::ApiResult;

/// How many Syncs, folders and playbooks are in which state, over all organizations.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct States {
    /// By tool and state.
    pub judged: BTreeMap<(DriftTool, DriftState), u64>,
    /// Those of which nothing is said, because there are more than are judged.
    pub not_judged: u64,
    /// Organizations of which nothing is said, because what is stored of them cannot be read.
    pub unread_organizations: u64,
}

impl States {
    /// Judges everything, one organization after the other. One that cannot be read is counted, and stops none of the others.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn measure(db: &Db, now: DateTime<Utc>) -> ApiResult<Self> {
        let mut tx = db.routing().await?;
        let organizations = organizations::list_ids(&mut *tx).await?;
        tx.commit().await?;
        let mut states = Self::default();
        for organization in organizations {
            let Judged { rows, not_judged } = match measure_one(db, organization, now).await {
                Ok(judged) => judged,
                // Nobody can be read then.
                Err(error) if error.status == StatusCode::SERVICE_UNAVAILABLE => return Err(error),
                Err(error) => {
                    error.log();
                    warn!(%organization, "it was not counted what is in which state of drift in {organization}");
                    states.unread_organizations += 1;
                    continue;
                }
            };
            rows.iter().for_each(|row| *states.judged.entry((row.tool, row.state)).or_default() += 1);
            states.not_judged += u64::try_from(not_judged).unwrap_or_default();
        }
        Ok(states)
    }

    /// Sets the gauges, also of what there is none of any more.
    pub fn publish(&self) {
        for (tool, state) in DriftTool::ALL.iter().flat_map(|tool| DriftState::ALL.iter().map(|state| (*tool, *state)))
        {
            let count = self.judged.get(&(tool, state)).copied().unwrap_or_default();
            metrics::gauge!("heddle_drift_records", "tool" => tool.as_str(), "state" => state.as_str())
                .set(count as f64);
        }
        metrics::gauge!("heddle_drift_records_not_judged").set(self.not_judged as f64);
        metrics::gauge!("heddle_drift_organizations_unread").set(self.unread_organizations as f64);
    }
}

async fn measure_one(db: &Db, organization: OrganizationId, now: DateTime<Utc>) -> ApiResult<Judged> {
    let mut tx = db.organization(organization).await?;
    let judged = judge_all(&mut tx, organization, Which::default(), now).await?;
    tx.commit().await?;
    Ok(judged)
}
