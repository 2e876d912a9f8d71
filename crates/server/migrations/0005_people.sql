-- People who sign in, and whatever opens the server: sessions, tokens, agents' credentials, join
-- tokens, invitations.

create table person (
    person_id text primary key,
    name text not null,
    name_key text not null unique,          -- the name in lower case: no two differ by case alone
    role text not null,                     -- protocol::access::Role
    password text not null,                 -- argon2id, as a PHC string
    disabled bigint not null default 0,
    created_ms bigint not null
);

-- A secret is 256 random bits, so its SHA-256 tells nothing of it. One that was used up, revoked or
-- has run out opens nothing; its row stays as long as something refers to it.
create table credential (
    credential_id text primary key,
    kind text not null,                     -- protocol::access::CredentialKind
    digest text not null unique,
    name text not null,
    role text not null,
    person_id text references person (person_id) on delete cascade,
    made_by text not null,
    created_ms bigint not null,
    last_seen_ms bigint,
    expires_ms bigint,
    ended_ms bigint                         -- when it was revoked or used up
);
create index credential_by_person on credential (person_id);

-- Whose lease it is; also where the task waits again: who held it last.
alter table task add column credential_id text;
