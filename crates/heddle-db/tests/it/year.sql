-- The past of a repository: so many bumps of so many images in the environments dev, staging and prod, each merged and
-- healthy but for two of a hundred that people took back; the last round is still on its way.
create or replace function fill_past(organization uuid, repository uuid, cluster uuid, images integer, changes integer)
returns void language plpgsql as $$
begin
    insert into images (id, organization_id, image, complete, scanned_at)
    select gen_random_uuid(), organization, 'ghcr.io/acme/image' || i, true, now() from generate_series(1, images) i;
    insert into tags (organization_id, image_id, tag, digest, first_seen_at, pushed_at, listed)
    select organization, i.id, '1.0.' || n, 'sha256:' || repeat('0', 64),
           now() - interval '365 days' + n * interval '12 hours', now() - interval '365 days' + n * interval '12 hours', true
    from images i cross join generate_series(1, least(changes / (images * 3), 1000)) n where i.organization_id = organization;
    insert into environments (repository_id, organization_id, name, path, branch, implicit, position)
    select repository, organization, name, 'clusters/' || name, 'main', false, position
    from unnest(array['dev', 'staging', 'prod']) with ordinality as e (name, position);
    insert into occurrences (repository_id, organization_id, branch, file, line, object, field, container, image, tag,
                             environment, rule_file, rule_line, mode, policy)
    select repository, organization, 'main', 'clusters/' || e || '/image' || i || '.yaml', 12, 'Deployment image' || i,
           'spec.template.spec.containers[name=app].image', 'app', 'ghcr.io/acme/image' || i,
           '1.0.' || changes / (images * 3), e, '.heddle.yaml', 3, 'commit', '{"semver": "*"}'
    from generate_series(1, images) i cross join unnest(array['dev', 'staging', 'prod']) as e;
    insert into syncs (cluster_id, organization_id, namespace, name, repository_url, repository_id, branch, path,
                       environment, suspended, health, objects, conditions, errors, drifts, reported_at)
    select cluster, organization, 'heddle-system', e, r.url, repository, 'main', 'clusters/' || e, e, false, 'healthy', 20,
           '[]', '[]', '[]', now()
    from repositories r cross join unnest(array['dev', 'staging', 'prod']) as e where r.id = repository;
    insert into revisions (repository_id, organization_id, branch, revision, ordinal, first_parent, committed_at, author, subject)
    select repository, organization, 'main', lpad(to_hex(n), 40, '0'), n, true,
           now() - interval '365 days' + n * (interval '365 days' / (changes / 3)), 'heddle[bot]', 'Update image'
    from generate_series(1, changes / 3) n;
    -- Every Sync applied every revision, and was well with it; each fourth was merged from a branch with a commit of its own.
    insert into image_sets (organization_id, hash, images)
    select organization, sha256(convert_to(n::text, 'UTF8')), jsonb_build_array('ghcr.io/acme/image1:1.0.' || n)
    from generate_series(1, 10) n on conflict do nothing;
    insert into applied_revisions (organization_id, cluster_id, sync_namespace, sync_name, repository_url, branch, path,
                                   revision, ordinal, lineage, applied_at, changed, images_hash, healthy_at)
    select organization, cluster, 'heddle-system', e, r.url, 'main', 'clusters/' || e, v.revision, v.ordinal, 0,
           v.committed_at + interval '4 seconds', 1, sha256(convert_to((v.ordinal % 10 + 1)::text, 'UTF8')),
           v.committed_at + interval '6 seconds'
    from revisions v join repositories r on r.id = v.repository_id cross join unnest(array['dev', 'staging', 'prod']) as e
    where v.repository_id = repository;
    insert into commits (organization_id, repository_id, branch, revision, carried_by, committed_at, author, subject)
    select organization, repository, 'main', 'c' || substr(v.revision, 2), v.revision, v.committed_at, 'ada', 'Raise it'
    from revisions v where v.repository_id = repository and v.ordinal % 4 = 0;
    insert into proposals (id, organization_id, repository_id, mode, group_name, base_branch, state, revision, created_at, settled_at)
    select md5(repository::text || 'p' || n)::uuid, organization, repository, 'commit', 'all', 'main', 'merged',
           lpad(to_hex(n), 40, '0'), now() - interval '365 days' + n * (interval '365 days' / (changes / 3)), now()
    from generate_series(1, changes / 3) n;
    -- Numbered from 0: the image turns fastest, then the environment, then the tag.
    insert into changes (id, organization_id, repository_id, branch, environment, image, from_tag, to_tag, mode, places,
                         place_key, diff, why, proposal_id, merged_revision, merged_ordinal, settled, taken_back, created_at,
                         ended, ended_at, end_seen_at)
    select md5(repository::text || n)::uuid, organization, repository, 'main', c.environment, 'ghcr.io/acme/image' || c.image,
           '1.0.' || c.tag, '1.0.' || c.tag + 1, 'commit',
           jsonb_build_array(jsonb_build_object(
               'file', 'clusters/' || c.environment || '/image' || c.image || '.yaml', 'line', 12,
               'object', 'Deployment image' || c.image, 'field', 'spec.template.spec.containers[name=app].image')),
           md5('Deployment image' || c.image || E'\nspec.template.spec.containers[name=app].image'),
           repeat('- image: a' || E'\n', 40), 'newest by semver',
           case when n / 3 + 1 <= changes / 3 then md5(repository::text || 'p' || n / 3 + 1)::uuid end,
           case when c.fate <> 1 then lpad(to_hex(n / 3 + 1), 40, '0') end,
           case when c.fate <> 1 then n / 3 + 1 end,
           c.fate in (0, 1), c.fate in (0, 1), c.at,
           -- The last round is still on its way.
           case when n >= changes - images * 3 then null when c.fate = 1 then 'declined' else 'healthy' end,
           case when n < changes - images * 3 then c.at + interval '5 minutes' end,
           case when n < changes - images * 3 then c.at + interval '5 minutes' end
    from generate_series(0, changes - 1) n,
         lateral (select n % images + 1 as image, (array['dev', 'staging', 'prod'])[n / images % 3 + 1] as environment,
                         n / (images * 3) as tag, case changes - n when 1 then 0 when 2 then 1 else (n * 37 + n / images) % 100 end as fate,
                         now() - interval '365 days' + n * (interval '365 days' / changes) as at) c;
    insert into facts (organization_id, change_id, key, body, at, seen_at)
    select organization, c.id, f.key, f.body, c.created_at + f.after, c.created_at + f.after
    from changes c,
         lateral (select jsonb_build_object('cluster', cluster, 'sync', jsonb_build_object(
                             'namespace', 'heddle-system', 'name', c.environment)) as rollout) r,
         lateral (values
             ('pushed', '{"fact": "pushed"}'::jsonb, interval '0'),
             ('proposed', jsonb_build_object('fact', 'proposed', 'proposal', jsonb_build_object(
                 'kind', 'commit', 'revision', c.merged_revision, 'url', null)), interval '1 second'),
             ('merged', jsonb_build_object('fact', 'merged', 'revision', c.merged_revision, 'by', null),
              interval '2 seconds'),
             ('applied a', jsonb_build_object('fact', 'applied', 'rollout', r.rollout, 'revision', c.merged_revision),
              interval '4 seconds'),
             ('health a', case when c.ended is not null then jsonb_build_object(
                 'fact', 'health', 'rollout', r.rollout, 'status', 'healthy', 'reason', null) end, interval '6 seconds')
         ) f (key, body, after)
    where c.repository_id = repository and c.merged_ordinal is not null and f.body is not null;
    insert into facts (organization_id, change_id, key, body, at, seen_at)
    select organization, c.id, case when c.merged_ordinal is null then 'declined' else 'reverted' end,
           '{"fact": "declined", "by": null}', c.created_at, c.created_at
    from changes c where c.repository_id = repository and c.settled;
    insert into change_rollouts (change_id, organization_id, cluster_id, sync_namespace, sync_name)
    select c.id, organization, cluster, 'heddle-system', c.environment from changes c
    where c.repository_id = repository and c.merged_ordinal is not null;
end
$$;

-- The same with an organization, a repository and a cluster of its own.
create or replace function fill_year(organization uuid, repository uuid, cluster uuid, images integer, changes integer)
returns void language plpgsql as $$
begin
    insert into organizations (id, name) values (organization, organization::text);
    insert into repositories (id, organization_id, installation_id, name, url, default_branch, private)
    values (repository, organization, hashtext(repository::text), 'acme/' || repository,
            'github.com/acme/' || repository, 'main', true);
    insert into clusters (id, organization_id, name, first_sync) values (cluster, organization, 'prod', '{}');
    perform fill_past(organization, repository, cluster, images, changes);
end
$$;
