-- Who goes first, what an agent must have, what each attempt failed of, and which agents there are.

alter table task add column class text not null default 'interactive';
alter table task add column requested_by text not null default '';
-- Start tag of fair queueing: the turn of the person who asked; see server::queue::order.
alter table task add column fair_tag bigint not null default 0;
alter table task add column needs_model text;
alter table task add column needs_gpu_memory bigint;
alter table task add column min_protocol bigint not null default 1;
alter table task add column needs_program text not null default '';
-- The question that the lease answers; asked again, it gets the same answer.
alter table task add column claim_id text;
alter table task add column device text;
alter table task add column smaller bigint not null default 0;
alter table task add column failures text not null default '[]';    -- [protocol::task::AttemptFailure]
create unique index task_by_claim on task (claim_id) where state = 'leased';
create index task_by_person on task (requested_by, state);

-- How far the turns of fair queueing have come.
create table queue_clock (
    class text primary key,
    tag bigint not null
);
insert into queue_clock (class, tag) values ('interactive', 0);
insert into queue_clock (class, tag) values ('batch', 0);

-- Agents as they last asked for work, one row for each device they have.
create table agent (
    agent_id text not null,
    device text not null,                   -- '' where the agent does not say
    name text not null,
    is_here bigint not null,                -- 1: a server's own
    profile text not null,                  -- server::roster::Profile
    last_ms bigint not null,
    primary key (agent_id, device)
);
create index agent_by_time on agent (last_ms);
