-- What is known of the mask so far (partial_sha256): protocol::task::MaskSoFar.
alter table task add column so_far text;

-- Which prompt was changed last: where nobody names a plane, it does.
alter table prompt add column changed_ms bigint not null default 0;
