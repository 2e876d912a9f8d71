-- What happened to a task, line by line.
create table task_log (
    task_id text not null references task (task_id) on delete cascade,
    line bigint not null,                   -- 1, 2, 3 … within the task
    entry text not null,                    -- server::task_log::Entry
    at_ms bigint not null,
    primary key (task_id, line)
);

alter table task add column agent_name text;
create index task_by_end on task (finished_ms);
