-- When an image is asked for next follows from when it moved, when its registry told of a push, and how often a rule asks.

alter table images
    -- When a tag of it last came, went or got another image; null where that has not been seen yet.
    add column moved_at timestamptz,
    -- When its registry last told of a push.
    add column told_at timestamptz;

-- How often the rule asks for the registry to be asked; null where it does not say.
alter table occurrences add column interval_secs integer;

create index changes_written on changes (organization_id, image, created_at);
