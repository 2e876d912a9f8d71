-- Portable to SQLite and PostgreSQL: bigint and text only. Times are milliseconds since 1970, UTC.

create table job (
    job_id text primary key,
    name text not null,
    image_sha256 text not null,
    image text not null,                    -- protocol::job::Image
    labels text not null,                   -- [protocol::job::Label]
    state text not null,
    head_revision_id text,
    propagated bigint not null default 0,   -- 1 once a propagation has succeeded
    created_ms bigint not null,
    updated_ms bigint not null
);
create index job_by_image on job (image_sha256);

-- What a person marked for one object on one slice.
create table prompt (
    job_id text not null references job (job_id) on delete cascade,
    label bigint not null,
    axis bigint not null,
    slice_index bigint not null,
    prompt text not null,                   -- protocol::prompt::SlicePrompt
    primary key (job_id, label, axis, slice_index)
);

-- Immutable states of a job's mask.
create table revision (
    revision_id text primary key,
    job_id text not null references job (job_id) on delete cascade,
    mask_sha256 text not null,
    revision text not null,                 -- protocol::job::Revision
    created_ms bigint not null
);
create index revision_by_job on revision (job_id, created_ms);
create index revision_by_mask on revision (mask_sha256);

create table task (
    task_id text primary key,
    job_id text not null references job (job_id) on delete cascade,
    kind text not null,
    engine text not null,
    label bigint not null,
    axis bigint,
    slice_index bigint,
    spec text not null,                     -- protocol::task::TaskSpec
    state text not null,
    priority bigint not null,
    attempt bigint not null,
    max_attempts bigint not null,
    fence bigint not null,
    agent_id text,
    lease_until_ms bigint not null,
    run_after_ms bigint not null,
    time_limit_ms bigint not null,
    cancel_requested bigint not null,
    progress text not null,                 -- protocol::task::Progress
    partial_sha256 text,
    failure text,                           -- protocol::task::TaskFailure
    output_sha256 text,                     -- the accepted output's mask
    completion_key text,
    revision_id text,
    created_ms bigint not null,
    started_ms bigint,
    finished_ms bigint
);
create index task_by_job on task (job_id, created_ms);
create index task_claimable on task (state, priority, created_ms);

-- Blobs that agents delivered: they go with the task's job.
create table delivery (
    task_id text not null references task (task_id) on delete cascade,
    sha256 text not null,
    primary key (task_id, sha256)
);
create index delivery_by_blob on delivery (sha256);

-- The outbox: one row a change, numbered without a gap in the order of commits.
create table event (
    event_id bigint primary key,
    job_id text not null,
    body text not null,                     -- protocol::event::EventBody
    created_ms bigint not null
);
create index event_by_job on event (job_id, event_id);
create table event_counter (
    only_row bigint primary key check (only_row = 1),
    last_event_id bigint not null
);
insert into event_counter (only_row, last_event_id) values (1, 0);

-- Who did what when; outlives the job.
create table audit (
    audit_id text primary key,
    job_id text,
    action text not null,
    created_ms bigint not null
);
