-- Who is signed in to the portal, and what is sent to people for one use.

create table portal_session (
    id bigint generated always as identity primary key,
    -- SHA-256 of what the browser shows
    digest bytea not null unique,
    user_id bigint not null references account_user (id),
    -- what the browser called itself, for the list of sessions
    user_agent text not null,
    created_at bigint not null,
    last_seen_at bigint not null,
    expires_at bigint not null
);
create index portal_session_user on portal_session (user_id);
create index portal_session_expires on portal_session (expires_at);

-- Links in mails: activation, password reset.
create table user_link (
    -- SHA-256
    digest bytea primary key,
    -- activation or password_reset
    purpose text not null,
    user_id bigint not null references account_user (id),
    created_at bigint not null,
    expires_at bigint not null
);
create index user_link_user on user_link (user_id);
create index user_link_expires on user_link (expires_at);

create table invitation (
    id bigint generated always as identity primary key,
    account_id bigint not null references account (id),
    email text not null,
    -- SHA-256 of its link's token
    digest bytea not null unique,
    created_at bigint not null,
    sent_at bigint not null,
    accepted_at bigint,
    -- who came of it
    user_id bigint references account_user (id)
);
create index invitation_account on invitation (account_id);

-- How often something was tried: passwords, signups, mails asked for.
create table throttle (
    -- SHA-256 of what is counted
    digest bytea primary key,
    count bigint not null,
    window_end bigint not null
);
create index throttle_window_end on throttle (window_end);
