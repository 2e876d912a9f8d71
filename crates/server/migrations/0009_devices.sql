-- Machines that compute, as they last were: for the time after a restart. What they say every few seconds is
-- kept in memory and written now and then.

create table device (
    host_id text primary key,
    said text not null,                     -- server::devices::Said
    last_ms bigint not null,
    seq bigint not null
);
