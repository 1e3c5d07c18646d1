//! A Lease, by which of several agents in one namespace one works and the others wait.
//!
//! As in client-go's leader election, nobody compares clocks: a Lease has ended when its resource version stood still for
//! its duration, as this process measures it. Source: k8s.io/client-go, `tools/leaderelection`.

use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
    jiff::Timestamp,
};
use kube::{Api, api::PostParams};
use tokio::time::{Duration, Instant};

use crate::{KubeError, OwnClient, error::bounded};

const LEASE: &str = "heddle-synchronizer";

/// One process that would like to hold the Lease.
pub struct Election {
    leases: Api<Lease>,
    holder: String,
    duration: Duration,
    /// The last change of the Lease, and when this process saw it.
    seen: Option<(String, Instant)>,
}

/// Who holds the Lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leadership {
    /// This process.
    Leads,
    /// Another one.
    Waits {
        /// Its name, as far as known.
        holder: String,
    },
}

impl OwnClient {
    /// Takes part under the name `holder`, which no other process may have. Unless it is renewed, the Lease ends after
    /// `duration`, in whole seconds.
    pub fn election(&self, holder: String, duration: Duration) -> Election {
        let leases = Api::namespaced(self.client().clone(), self.namespace());
        Election { leases, holder, duration, seen: None }
    }
}

impl Election {
    /// Takes the Lease if it is free or has ended, and renews it if it is this process's already.
    ///
    /// # Errors
    /// When the API server cannot be asked, or does not let the agent. What was held may then have ended.
    pub async fn claim(&mut self) -> Result<Leadership, KubeError> {
        let taken = match bounded(self.leases.get_opt(LEASE)).await? {
            None => {
                let lease = Lease {
                    metadata: ObjectMeta { name: Some(LEASE.to_owned()), ..ObjectMeta::default() },
                    spec: Some(self.renewed(None)),
                };
                bounded(self.leases.create(&PostParams::default(), &lease)).await
            }
            Some(lease) => {
                let holder = holder_of(&lease);
                if holder.is_some_and(|holder| holder != self.holder) && !self.has_ended(&lease) {
                    return Ok(Leadership::Waits { holder: holder.unwrap_or_default().to_owned() });
                }
                let spec = Some(self.renewed(lease.spec));
                let lease = Lease { metadata: lease.metadata, spec };
                bounded(self.leases.replace(LEASE, &PostParams::default(), &lease)).await
            }
        };
        match taken {
            Ok(_) => Ok(Leadership::Leads),
            Err(KubeError::Conflict(_)) => Ok(Leadership::Waits { holder: "another process".to_owned() }),
            Err(error) => Err(error),
        }
    }

    /// Gives the Lease up, so that the next holder need not wait for its end.
    ///
    /// # Errors
    /// When the API server cannot be asked.
    pub async fn release(&self) -> Result<(), KubeError> {
        let Some(mut lease) = bounded(self.leases.get_opt(LEASE)).await? else { return Ok(()) };
        if holder_of(&lease) != Some(&self.holder) {
            return Ok(());
        }
        let spec = lease.spec.get_or_insert_default();
        (spec.holder_identity, spec.lease_duration_seconds) = (None, Some(1));
        match bounded(self.leases.replace(LEASE, &PostParams::default(), &lease)).await {
            // Somebody else has it already.
            Ok(_) | Err(KubeError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn has_ended(&mut self, lease: &Lease) -> bool {
        let version = lease.metadata.resource_version.clone().unwrap_or_default();
        let now = Instant::now();
        let seconds = lease.spec.as_ref().and_then(|spec| spec.lease_duration_seconds).unwrap_or(0);
        let duration = Duration::from_secs(seconds.try_into().unwrap_or(0));
        match &self.seen {
            Some((seen, at)) if *seen == version => now.duration_since(*at) >= duration,
            _ => {
                self.seen = Some((version, now));
                false
            }
        }
    }

    fn renewed(&self, before: Option<LeaseSpec>) -> LeaseSpec {
        let before = before.unwrap_or_default();
        let now = MicroTime(Timestamp::now());
        let is_mine = before.holder_identity.as_ref() == Some(&self.holder);
        let transitions = before.lease_transitions.unwrap_or(0);
        LeaseSpec {
            acquire_time: if is_mine { before.acquire_time } else { Some(now.clone()) },
            holder_identity: Some(self.holder.clone()),
            lease_duration_seconds: Some(self.duration.as_secs().try_into().unwrap_or(i32::MAX)),
            lease_transitions: Some(if is_mine { transitions } else { transitions + 1 }),
            renew_time: Some(now),
            ..LeaseSpec::default()
        }
    }
}

fn holder_of(lease: &Lease) -> Option<&str> {
    lease.spec.as_ref()?.holder_identity.as_deref().filter(|holder| !holder.is_empty())
}
