-- What an attempt's program said, piece by piece; start_byte counts the attempt's UTF-8.
create table output_log (
    task_id text not null references task (task_id) on delete cascade,
    attempt bigint not null,
    start_byte bigint not null,
    n_bytes bigint not null,
    piece text not null,
    primary key (task_id, attempt, start_byte)
);
