-- What people ask to be written, and who may ask for what.

-- A row is what was shown to the person who asked; an update writes it as a commit or pull request, or ends it.
create table requests (
    id uuid primary key,
    organization_id uuid not null references organizations on delete cascade,
    repository_id uuid not null references repositories on delete cascade,
    kind text not null check (kind in ('release')),
    user_id uuid not null references users on delete cascade,
    -- Who asks, as commits name them.
    requested_by text not null,
    reason text,
    branch text not null,
    -- The head that was shown.
    head text not null,
    environment text not null,
    image text not null,
    to_tag text not null,
    mode text not null check (mode in ('commit', 'pull-request')),
    -- Where it writes, what stood there, and in which environments each place counts.
    places jsonb not null,
    -- What it goes against: `hold`, `freeze`, `schedule`.
    despite text[] not null,
    -- The commit or pull request that carries it, or is to.
    proposal_id uuid references proposals on delete set null,
    ended text check (ended in ('merged', 'declined', 'refused', 'withdrawn')),
    end_reason text,
    ended_at timestamptz,
    created_at timestamptz not null default now()
);
create index requests_open on requests (repository_id) where ended is null;
create index requests_of_organization on requests (organization_id, id);
create index requests_proposal on requests (proposal_id);
create index intents_proposal on intents (proposal_id);
alter table requests enable row level security;
alter table requests force row level security;
grant select, insert, update, delete on requests to heddle_app;
create policy organization on requests using (organization_id = (select heddle_organization()));

-- The environments for which an operator may ask. Nobody has one until an owner gives it: whoever was operator before this
-- table goes on seeing what a viewer sees.
create table grants (
    organization_id uuid not null references organizations on delete cascade,
    user_id uuid not null references users on delete cascade,
    repository_id uuid not null references repositories on delete cascade,
    environment text not null,
    granted_by text not null,
    granted_at timestamptz not null default now(),
    primary key (organization_id, user_id, repository_id, environment),
    foreign key (organization_id, user_id) references memberships (organization_id, user_id) on delete cascade
);
create index grants_repository on grants (repository_id);
alter table grants enable row level security;
alter table grants force row level security;
grant select, insert, update, delete on grants to heddle_app;
create policy organization on grants using (organization_id = (select heddle_organization()));
