-- A repository may have years of changes. Each question that is asked of them at every update, read or report has an
-- index from which its answer is read without looking at the rest. The organization leads, because row security asks
-- for it in every query.

-- What has not ended yet.
create index changes_unfinished on changes (organization_id, repository_id, sequence) where ended is null;
create index changes_unfinished_images on changes (organization_id, image, sequence) where ended is null;
-- What was healthy, the newest of each image, and what was merged after it.
create index changes_healthy on changes (organization_id, repository_id, environment, image, sequence)
    where ended = 'healthy';
create index changes_stood on changes (organization_id, repository_id, environment, image, sequence)
    where merged_ordinal is not null;
-- The newest that was merged at each place.
create index changes_places on changes (organization_id, repository_id, branch, environment, image, place_key, sequence)
    where merged_ordinal is not null;
drop index changes_merged;
-- What people took back.
create index facts_taken_back on facts (organization_id, change_id) where key in ('reverted', 'declined');
-- Pages of one environment, and how many became healthy lately.
create index changes_environment on changes (organization_id, environment, id);
create index changes_healthy_since on changes (organization_id, ended_at) where ended = 'healthy';
-- Whether an update has looked at a pushed tag.
create index changes_tags on changes (organization_id, image, to_tag);
create index tags_pushed on tags (organization_id, pushed_at) where pushed_at is not null;
-- Which rules keep an image in lockstep.
create index occurrences_lockstep on occurrences (organization_id) where policy ? 'lockstep';
