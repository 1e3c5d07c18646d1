-- What came of looking for the signatures of what a tag points to.

alter table tags
    -- One check for each signer that a rule names; null where nobody looked.
    add column signatures jsonb,
    -- The digest that was looked at. Where the tag points elsewhere by now the checks say nothing, so that whoever writes
    -- another digest need not know of them.
    add column verified_digest text;

create or replace function count_changed_tags() returns trigger language plpgsql as $$
begin
    update images set tags_version = tags_version + 1
    where id in (
        select n.image_id from changed n join former o on o.image_id = n.image_id and o.tag = n.tag
        where (n.listed, n.digest, n.created_at, n.platforms, n.first_seen_at, n.signatures, n.verified_digest)
            is distinct from
            (o.listed, o.digest, o.created_at, o.platforms, o.first_seen_at, o.signatures, o.verified_digest));
    return null;
end
$$;
