-- What was not known of a commit, a look or a Sync's past is kept apart from what is not so.

-- Whether the host was asked which pull request brought it, and answered. Without it null says nothing.
alter table revisions add column pull_asked boolean not null default false;

-- When looks of this commit were begun, within the last hour; `asked_at` after `answered_at` is a look that waits, and the
-- answer of the look before stands until then.
alter table revision_looks add column begun_at timestamptz[] not null default '{}';
create index revision_looks_waiting on revision_looks (repository_id, asked_at)
    where answered_at is null or answered_at < asked_at;

-- Whether it would have been noted that all was healthy.
alter table applied_revisions add column health_kept boolean not null default true;
-- Revisions that no read has placed are looked for by their id alone.
create index applied_revisions_unplaced on applied_revisions (organization_id, revision text_pattern_ops)
    where ordinal is null;

-- When it was first told that this revision is applied; null where that was before.
alter table syncs add column applied_told_at timestamptz;

-- An owner that is no superuser sees rows of no organization while row security is forced on it.
alter table revisions no force row level security;
alter table applied_revisions no force row level security;
alter table repositories no force row level security;

-- What was taken over from facts of before (0028) came without a word of its health, and nothing tells it apart.
update applied_revisions set health_kept = false where healthy_at is null;

-- Whether a branch was rewritten was not kept before 0028. Of what was numbered until then only the newest is known to be
-- part of what came later; each other is a lineage of its own, below all that are begun since.
with newest as (
    select repository_id, branch, max(ordinal) as ordinal from revisions
    where first_parent and seen_at is null group by repository_id, branch)
update revisions r set lineage = r.ordinal - n.ordinal
from newest n
where r.repository_id = n.repository_id and r.branch = n.branch and r.lineage = 0 and n.ordinal > 1
    and r.ordinal < n.ordinal and (r.first_parent or r.subject is null);
update applied_revisions a set lineage = v.lineage
from repositories r join revisions v on v.repository_id = r.id
where v.lineage < 0 and a.organization_id = r.organization_id and a.repository_url = r.url and a.branch = v.branch
    and a.revision = v.revision and a.lineage = 0 and a.ordinal = v.ordinal;

alter table repositories force row level security;
alter table applied_revisions force row level security;
alter table revisions force row level security;
