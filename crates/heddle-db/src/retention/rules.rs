//! The rules by which rows are forgotten, and the tables that have none.

use super::Age;

/// So many tags that a registry does not list any more are kept of an image, whatever their age.
pub const MOST_UNLISTED_TAGS: i64 = 10_000;

/// So many spells of a drift record are kept, whatever their age.
pub const MOST_SPELLS: i64 = 200;

/// Rows that are forgotten.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// The table.
    pub table: &'static str,
    /// Which rows, in words, for the page.
    pub what: &'static str,
    /// After how long; `None` for what has no age to reach.
    pub age: Option<Age>,
    /// The condition over `t`, the row; `$1` is the instant before which rows are old, `$2` a number.
    pub(super) condition: &'static str,
    /// The number.
    pub(super) number: i64,
}

/// A condition that the tag `t` is one of which nothing is ever forgotten.
macro_rules! unless_needed {
    ($condition:literal) => {
        concat!(
            $condition,
            " and not exists (
                  select from images i where i.id = t.image_id and (
                      exists (select from occurrences o
                              where o.organization_id = i.organization_id and o.image = i.image and o.tag = t.tag)
                      or exists (select from changes c
                                 where c.organization_id = i.organization_id and c.image = i.image and c.ended is null
                                     and t.tag in (c.from_tag, c.to_tag))
                      or exists (select from changes c
                                 where c.organization_id = i.organization_id and c.image = i.image and c.to_tag = t.tag
                                     and c.taken_back)))"
        )
    };
}

/// What is forgotten, in this order: what others refer to comes after them.
pub const RULES: &[Rule] = &[
    Rule {
        table: "changes",
        what: "changes that ended, once a later one stands at the same places; with their facts, rollouts and intents",
        age: Some(Age::History),
        // Subqueries of one row are answered from an index, row by row; as joins they would read the whole history.
        condition: "t.ended is not null and t.end_seen_at < $1 and coalesce((
                        select true from changes n
                        where n.organization_id = t.organization_id and n.repository_id = t.repository_id
                            and n.branch = t.branch and n.environment = t.environment and n.image = t.image
                            and n.place_key = t.place_key and n.sequence > t.sequence and n.merged_ordinal is not null
                            and not n.taken_back and cardinality(n.rolls_back) = 0
                        order by n.sequence desc limit 1), false)",
        number: 0,
    },
    Rule {
        table: "requests",
        what: "what people asked for, once it was written or ended otherwise; where somebody declined a change of it, with \
               that change",
        age: Some(Age::History),
        // Without it, what somebody declined of a request would be taken for a no to what rules choose.
        condition: "t.ended_at < $1
                    and not exists (select from changes c join facts f on f.change_id = c.id
                                    where c.proposal_id = t.proposal_id and f.key = 'declined')",
        number: 0,
    },
    Rule {
        table: "intents",
        what: "texts of commits and pull requests that are settled",
        age: Some(Age::Intents),
        condition: "t.state <> 'open' and t.created_at < $1 and not exists (
                        select from proposals p where p.id = t.proposal_id and p.state in ('announced', 'open'))",
        number: 0,
    },
    Rule {
        table: "proposals",
        what: "commits and pull requests that are settled and carry no change any more",
        age: Some(Age::History),
        condition: "t.state not in ('announced', 'open') and t.created_at < $1
                    and (select c.id from changes c where c.proposal_id = t.id limit 1) is null",
        number: 0,
    },
    Rule {
        table: "revisions",
        what: "heads of branches, but for the newest and those that a change on its way needs",
        age: Some(Age::History),
        condition: "t.first_parent and t.committed_at < $1
                    and t.ordinal < (select max(n.ordinal) from revisions n
                                     where n.repository_id = t.repository_id and n.branch = t.branch and n.first_parent)
                    and not exists (select from changes c
                                    where c.organization_id = t.organization_id and c.repository_id = t.repository_id
                                        and c.ended is null and c.merged_revision = t.revision)",
        number: 0,
    },
    Rule {
        table: "revisions",
        what: "revisions beside a branch that no cluster runs or reported lately",
        age: Some(Age::Reports),
        // What was looked for is kept as long as what was found.
        condition: "not t.first_parent
                    and (t.subject is null
                         or not exists (select from revision_looks l where l.repository_id = t.repository_id))
                    and not exists (select from syncs s
                                    where s.repository_id = t.repository_id and s.branch = t.branch
                                        and t.revision in (s.applied_revision, s.attempted_revision))
                    and not exists (select from repositories r join deploys d
                                        on d.organization_id = r.organization_id and d.repository_url = r.url
                                    where r.id = t.repository_id and d.branch = t.branch and d.revision = t.revision
                                        and d.received_at >= $1)",
        number: 0,
    },
    Rule {
        table: "deploys",
        what: "what agents reported that happened",
        age: Some(Age::Reports),
        condition: "t.received_at < $1",
        number: 0,
    },
    Rule {
        table: "applied_revisions",
        what: "what Syncs applied, once what came after it, or the end of the Sync, is as old",
        age: Some(Age::History),
        condition: "t.applied_at < $1
                    and (t.ended_at < $1
                         or exists (select from applied_revisions n
                                    where n.cluster_id = t.cluster_id and n.sync_namespace = t.sync_namespace
                                        and n.sync_name = t.sync_name and n.applied_at > t.applied_at
                                        and n.applied_at < $1))",
        number: 0,
    },
    Rule {
        table: "image_sets",
        what: "lists of images that nothing of it names",
        age: Some(Age::Reports),
        condition: "t.used_at < $1
                    and not exists (select from applied_revisions a
                                    where a.organization_id = t.organization_id and a.images_hash = t.hash)",
        number: 0,
    },
    Rule {
        table: "commits",
        what: "commits beside a branch, each with the head that carries it",
        age: Some(Age::History),
        condition: "t.seen_at < $1",
        number: 0,
    },
    Rule {
        table: "revision_looks",
        what: "commits that somebody looked for, and what was found",
        age: Some(Age::Reports),
        condition: "t.asked_at < $1",
        number: 0,
    },
    Rule {
        table: "unknown_revisions",
        what: "revisions that agents reported and no read could place",
        age: Some(Age::Reports),
        condition: "t.reported_at < $1",
        number: 0,
    },
    Rule {
        table: "agent_outboxes",
        what: "how far the reports of an agent's outbox were taken that has been silent since",
        age: Some(Age::Reports),
        condition: "t.taken_at < $1",
        number: 0,
    },
    Rule {
        table: "tags",
        what: "tags that their registry does not list any more and that stand at no place, in no open change and in no bar",
        age: Some(Age::Tags),
        condition: unless_needed!("not t.listed and t.unlisted_at < $1"),
        number: 0,
    },
    Rule {
        table: "tags",
        what: "of these, whatever their age, all but the last 10,000 of an image",
        age: None,
        condition: unless_needed!(
            "$1 is not null and t.ctid = any(array(
                 select x.ctid from images i cross join lateral (
                     select x.ctid from tags x
                     where x.organization_id = i.organization_id and x.image_id = i.id and not x.listed
                     order by x.unlisted_at desc offset $2) x))"
        ),
        number: MOST_UNLISTED_TAGS,
    },
    Rule {
        table: "images",
        what: "images that no rule needs and that stand nowhere, with their tags",
        age: Some(Age::Tags),
        condition: "t.unwatched_at < $1
                    and not exists (select from occurrences o
                                    where o.organization_id = t.organization_id and o.image = t.image)
                    and not exists (select from changes c
                                    where c.organization_id = t.organization_id and c.image = t.image and c.ended is null)
                    and not exists (select from changes c join facts f on f.change_id = c.id
                                    where c.organization_id = t.organization_id and c.image = t.image
                                        and f.key in ('reverted', 'declined'))",
        number: 0,
    },
    Rule {
        table: "candidates",
        what: "which tags a choice depends on; it is found out anew when the choice is made again",
        age: Some(Age::Reports),
        condition: "t.made_at < $1",
        number: 0,
    },
    Rule {
        table: "drift_spells",
        what: "what was found when somebody looked for drift, but for the last of each record that is still asked for or \
               reported",
        age: Some(Age::History),
        condition: "t.last_at < $1
                    and (exists (select from drift_spells n where n.record_id = t.record_id and n.last_at > t.last_at)
                         or not (exists (select from drift_expectations e where e.record_id = t.record_id)
                                 or exists (select from reporters p
                                            where p.record_id = t.record_id and p.revoked_at is null)))",
        number: 0,
    },
    Rule {
        table: "drift_spells",
        what: "of these, whatever their age, all but the last 200 of a record",
        age: None,
        condition: "$1 is not null and t.ctid = any(array(
                        select x.ctid from drift_records r cross join lateral (
                            select x.ctid from drift_spells x where x.record_id = r.id
                            order by x.last_at desc offset $2) x
                        where r.organization_id = (select heddle_organization())))",
        number: MOST_SPELLS,
    },
    Rule {
        table: "reporters",
        what: "revoked reporters of drift",
        age: Some(Age::Keys),
        condition: "t.revoked_at < $1",
        number: 0,
    },
    Rule {
        table: "drift_records",
        what: "records of drift that nobody asks for, may report or has looked at",
        age: None,
        condition: "t.created_at < $1
                    and not exists (select from drift_expectations e where e.record_id = t.id)
                    and not exists (select from reporters p where p.record_id = t.id)
                    and not exists (select from drift_spells s where s.record_id = t.id)",
        number: 0,
    },
    Rule {
        table: "cluster_keys",
        what: "revoked keys of agents",
        age: Some(Age::Keys),
        condition: "t.revoked_at < $1",
        number: 0,
    },
    Rule {
        table: "clusters",
        what: "clusters that were deleted, with what their agents reported",
        age: Some(Age::History),
        condition: "t.retired_at < $1",
        number: 0,
    },
    Rule {
        table: "audit",
        what: "who did what",
        age: Some(Age::Audit),
        condition: "t.organization_id = (select heddle_organization()) and t.at < $1",
        number: 0,
    },
];

/// Tables of which nothing is forgotten by a rule, each with the reason.
pub const KEPT: &[(&str, &str)] = &[
    ("_sqlx_migrations", "one row a release of the schema"),
    ("administrators", "until somebody on the host takes it from them"),
    ("attempts", "swept each hour: tries of more than a day ago"),
    ("automators", "swept each hour: those that have not asked for work for 30 days"),
    ("bootstrap_tokens", "swept each hour: 30 days after their end"),
    ("change_rollouts", "go with their change"),
    ("cluster_repositories", "go with their cluster or repository"),
    ("deliveries", "swept each hour: webhooks of more than 7 days ago"),
    ("devices", "swept each hour: browsers that were not used for a year"),
    ("drift_expectations", "each read puts the repository's in the place of the earlier ones"),
    ("environments", "each read puts the repository's in the place of the earlier ones"),
    ("facts", "go with their change"),
    ("findings", "each read and update puts its own in the place of the earlier ones"),
    ("github_grants", "each sign-in at GitHub puts the person's in the place of the earlier ones"),
    ("github_sign_ins", "swept each hour: ten minutes after their begin"),
    ("grants", "until an owner takes them back or the member leaves"),
    ("hints", "one a cluster and branch, until the agent asks"),
    ("intent_changes", "go with their intent or change"),
    ("invitations", "swept each hour: 30 days after their end"),
    ("memberships", "until a person ends them"),
    ("occurrences", "each read puts the repository's in the place of the earlier ones"),
    ("organizations", "until a person deletes them"),
    ("own_automators", "until a person removes them"),
    ("password_links", "one a person; used once, and a newer one ends the older"),
    ("reads", "one row a repository"),
    ("outboxes", "one row a cluster; `agent_outboxes` took its place, a later release drops it"),
    ("receivers", "until a person deletes them"),
    ("registry_hosts", "one row a registry, and login, that an organization reads"),
    ("registry_logins", "until a person removes them"),
    ("repositories", "until a person disconnects them"),
    ("sessions", "swept each hour: after their end"),
    ("sync_faults", "until the cluster reports that they are mended or gone"),
    ("syncs", "until the cluster reports that they are gone"),
    ("tokens", "swept each hour: 30 days after their end"),
    ("users", "until a person deletes them"),
    ("work", "one row a repository and kind, an image, and a login that was tried"),
    ("workloads", "until the cluster reports that they are gone"),
];
