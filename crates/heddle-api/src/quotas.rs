//! How many things somebody may have. Each is far above what a team needs; without any, one stranger could fill the store.

use heddle_db::Tx;
use uuid::Uuid;

use crate::problem::{ApiError, ApiResult};

/// So many of what.
#[derive(Debug, Clone, Copy)]
pub struct Quota {
    /// The things, in a sentence after their number.
    pub what: &'static str,
    /// The most.
    pub most: usize,
    /// How to get room.
    pub remedy: &'static str,
}

/// Organizations that one person owns.
pub const ORGANIZATIONS: Quota =
    Quota { what: "organizations that one person owns", most: 20, remedy: "make somebody else an owner" };

/// Invitations to an organization that nobody took yet.
pub const INVITATIONS: Quota =
    Quota { what: "open invitations of one organization", most: 100, remedy: "take back those that nobody took" };

/// Receivers of an organization.
pub const RECEIVERS: Quota = Quota {
    what: "receivers of one organization",
    most: 50,
    remedy: "one receiver takes the notices of many registries",
};

/// Reporters of drift of an organization.
pub const REPORTERS: Quota = Quota {
    what: "reporters of one organization",
    most: 500,
    remedy: "revoke those that are not used; whoever looks at several folders in one job may look at a folder above them",
};

/// Records of drift of an organization.
pub const DRIFT_RECORDS: Quota = Quota {
    what: "records of drift of one organization that somebody may report or looked at",
    most: 2000,
    remedy: "forget those that nobody reports any more, on their pages under Drift",
};

/// Logins to registries of an organization.
pub const REGISTRY_LOGINS: Quota = Quota {
    what: "logins to registries of one organization",
    most: 100,
    remedy: "remove those that are not used; one login without a prefix is for all images of its host",
};

/// Requests of an organization that are open.
pub const REQUESTS: Quota = Quota {
    what: "open requests of one organization",
    most: 200,
    remedy: "merge or close their pull requests, or take back those that nobody needs",
};

/// Automators that an organization runs itself.
pub const OWN_AUTOMATORS: Quota = Quota {
    what: "own automators of one organization",
    most: 20,
    remedy: "remove those that are gone; one automator serves many registries, and several processes may share its token",
};

/// API tokens of a person.
pub const TOKENS: Quota = Quota { what: "API tokens of one person", most: 50, remedy: "end those that are not used" };

/// Images that the rules of one config repository govern or keep in lockstep.
pub const IMAGES: Quota = Quota {
    what: "different images that rules govern in this repository",
    most: 2000,
    remedy: "split it into several config repositories, or let rules govern fewer",
};

/// The setting of [`repositories`].
pub const REPOSITORIES_SETTING: &str = "HEDDLE_MOST_REPOSITORIES";

/// The setting of [`clusters`].
pub const CLUSTERS_SETTING: &str = "HEDDLE_MOST_CLUSTERS";

/// Config repositories of an organization.
pub const fn repositories(most: usize) -> Quota {
    let remedy = "let those go that are not used, or ask who runs this server to raise HEDDLE_MOST_REPOSITORIES";
    Quota { what: "config repositories of one organization", most, remedy }
}

/// Clusters of an organization.
pub const fn clusters(most: usize) -> Quota {
    let remedy = "delete those that are gone, or ask who runs this server to raise HEDDLE_MOST_CLUSTERS";
    Quota { what: "clusters of one organization", most, remedy }
}

impl Quota {
    /// That there are `there` of them, and the remedy.
    pub fn in_words(self, there: usize) -> String {
        let Self { what, most, remedy } = self;
        format!("there are {there} {what}, and {most} are the most; {remedy}")
    }
}

/// A transaction's turn at a quota: until it ends nobody else counts what is there and adds to it, so that requests at the
/// same time do not fill the last place several times. Only a turn refuses, so nothing is counted without one.
#[must_use = "it refuses nothing by itself"]
pub struct Turn(Quota);

impl Quota {
    /// Waits for the turn of this transaction at a quota of `subject`, an organization or a person.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn take_turn(self, tx: &mut Tx, subject: Uuid) -> ApiResult<Turn> {
        heddle_db::quotas::take_turn(&mut **tx, self.what, subject).await?;
        Ok(Turn(self))
    }
}

impl Turn {
    /// Refuses one more where there are `there` of them, counted since the turn was taken.
    ///
    /// # Errors
    /// 409 when that are all that one may have.
    pub fn refuse_more(self, there: impl TryInto<usize>) -> ApiResult<()> {
        let (Self(quota), there) = (self, there.try_into().unwrap_or(usize::MAX));
        if there < quota.most { Ok(()) } else { Err(ApiError::conflict("quota-reached", quota.in_words(there))) }
    }
}
