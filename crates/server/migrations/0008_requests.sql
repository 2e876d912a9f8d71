-- Requests for a laboratory's own programs: tasks without a job.

-- SQLite cannot take `not null` off a column. A new column takes the old one's place, so that the
-- table stays where it is: nothing that refers to its rows is touched, and no cascade fires.
drop index task_by_job;
alter table task add column of_job text references job (job_id) on delete cascade;
update task set of_job = job_id;
alter table task drop column job_id;
alter table task rename column of_job to job_id;
create index task_by_job on task (job_id, created_ms);

create table request (
    task_id text primary key references task (task_id) on delete cascade,
    program text not null,
    by_name text not null,
    slide text,                             -- as the caller of /api/pathology named it
    output text                             -- protocol::external::ExternalOutput
);
create index request_by_program on request (program, task_id);

-- Blobs that a request reads.
create table request_input (
    task_id text not null references task (task_id) on delete cascade,
    sha256 text not null,
    primary key (task_id, sha256)
);
create index request_input_by_blob on request_input (sha256);
