-- What a choice depends on is kept beside the lists of tags, so that an update does not read the lists.

alter table images
    -- Counts up with each change of its tags.
    add column tags_version bigint not null default 0;

-- The tags of an image on which a choice depends: what can be chosen and what says where the running image stands.
-- Computed from the tags and made anew when they change; nothing is lost when rows are missing.
create table candidates (
    organization_id uuid not null references organizations on delete cascade,
    image_id uuid not null references images on delete cascade,
    -- Hash of the policy and of what stands at the place.
    choice bytea not null,
    -- Versions of the lists that were looked at: the image's own, then those kept in lockstep with it.
    versions bigint[] not null,
    -- Nothing is chosen in the place of what stands.
    settled boolean not null,
    -- When a tag becomes old enough, so that others are candidates.
    until timestamptz,
    tags jsonb not null,
    made_at timestamptz not null,
    primary key (image_id, choice)
);
create index candidates_organization on candidates (organization_id, made_at);
alter table candidates enable row level security;
alter table candidates force row level security;
grant select, insert, update, delete on candidates to heddle_app;
create policy organization on candidates using (organization_id = (select heddle_organization()));

-- Whoever writes tags has locked their image before.
create function count_added_tags() returns trigger language plpgsql as $$
begin
    update images set tags_version = tags_version + 1
    where id in (select image_id from added where listed);
    return null;
end
$$;
create function count_changed_tags() returns trigger language plpgsql as $$
begin
    update images set tags_version = tags_version + 1
    where id in (
        select n.image_id from changed n join former o on o.image_id = n.image_id and o.tag = n.tag
        where (n.listed, n.digest, n.created_at, n.platforms, n.first_seen_at)
            is distinct from (o.listed, o.digest, o.created_at, o.platforms, o.first_seen_at));
    return null;
end
$$;
create trigger tags_added after insert on tags referencing new table as added
    for each statement execute function count_added_tags();
create trigger tags_changed after update on tags referencing old table as former new table as changed
    for each statement execute function count_changed_tags();

alter table environments
    -- The environment that goes before, where this one follows another, and how long a tag must have been healthy there.
    add column promote_from text,
    add column promote_after_secs bigint;
