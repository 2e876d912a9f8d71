-- A history that can be walked, reviews, opinions, label sets, and an audit list that says who.

-- The parent as a column, so that ways through the history are found without reading documents.
-- '' is the state without a mask. A revision's document begins with its id, then its parent:
-- {"revision_id":"…36…","parent":"…36…", which are characters 17–52 and 65–100.
alter table revision add column parent_id text not null default '';
update revision set parent_id = substr(revision, 65, 36)
where substr(revision, 53, 12) = '","parent":"';
create index revision_by_parent on revision (parent_id);

-- What the job is with this revision as its head; until now histories were lines.
alter table revision add column state text not null default 'segmented';
alter table revision add column propagated bigint not null default 0;
update revision set propagated = 1
where exists (
    select 1 from revision as earlier
    where earlier.job_id = revision.job_id and earlier.revision_id <= revision.revision_id
      and earlier.revision like '%"kind":"propagate"%'
);
update revision set state = 'completed'
where propagated = 1 and revision not like '%"kind":"segment_slice"%';

-- The leaf that undo walks back from and redo walks to.
alter table job add column tip_revision_id text;
update job set tip_revision_id = head_revision_id;

-- protocol::review::Review
alter table job add column review text not null default '{"state":"draft"}';

-- The prompts that belong to a state of the mask: they come back with it.
create table prompt_state (
    job_id text not null references job (job_id) on delete cascade,
    revision_id text not null,              -- '' is the state without a mask
    prompts text not null,                  -- [protocol::prompt::SlicePrompt]
    primary key (job_id, revision_id)
);

create table review_step (
    review_step_id text primary key,
    job_id text not null references job (job_id) on delete cascade,
    step text not null                      -- protocol::review::ReviewStep
);
create index review_step_by_job on review_step (job_id, review_step_id);

create table opinion (
    opinion_id text primary key,
    job_id text not null references job (job_id) on delete cascade,
    opinion text not null                   -- protocol::review::Opinion
);
create index opinion_by_job on opinion (job_id, opinion_id);

create table label_set (
    label_set_id text primary key,
    name text not null unique,
    labels text not null,                   -- [protocol::label::Label]
    updated_ms bigint not null
);

-- The audit list says who and what in particular; actions are keys.
alter table audit add column by_name text not null default '';
alter table audit add column job_name text;
alter table audit add column details text not null default '{}';    -- protocol::audit::AuditDetails
update audit set action = 'job_created' where action = 'job created';
update audit set action = 'job_deleted' where action = 'job deleted';
update audit set action = 'mask_edited' where action = 'mask edited';
update audit set job_name = (select name from job where job.job_id = audit.job_id);
create index audit_by_job on audit (job_id, audit_id);
