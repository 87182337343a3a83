-- What developers see of their keys and of their traffic.

-- what the developer calls it
alter table application_key add column label text not null default '';
-- from this moment on it is none, milliseconds since 1970
alter table application_key add column expires_at bigint;
-- about when it was last called with, milliseconds since 1970
alter table application_key add column last_used_at bigint;
create index application_key_expires on application_key (expires_at) where expires_at is not null;

-- number of the last report of traffic that was applied
alter table instance add column traffic_seq bigint not null default 0;

-- How an application's requests were answered in a quarter of an hour: approximate, and never what a limit is held against.
create table traffic (
    application_id bigint not null,
    -- its beginning, seconds since 1970
    quarter_start bigint not null,
    -- answered by the upstream, by class of status
    success bigint not null default 0,
    redirection bigint not null default 0,
    client_error bigint not null default 0,
    server_error bigint not null default 0,
    -- refused by the gateway
    refused_credentials bigint not null default 0,
    refused_metric bigint not null default 0,
    refused_limits bigint not null default 0,
    refused_not_ready bigint not null default 0,
    -- answered by the upstream, by how long it took: each beyond the one before
    within_1_ms bigint not null default 0,
    within_2_ms bigint not null default 0,
    within_5_ms bigint not null default 0,
    within_10_ms bigint not null default 0,
    within_20_ms bigint not null default 0,
    within_50_ms bigint not null default 0,
    within_100_ms bigint not null default 0,
    within_200_ms bigint not null default 0,
    within_500_ms bigint not null default 0,
    within_1000_ms bigint not null default 0,
    within_2000_ms bigint not null default 0,
    within_5000_ms bigint not null default 0,
    beyond_5000_ms bigint not null default 0,
    primary key (application_id, quarter_start)
);
create index traffic_quarter on traffic (quarter_start);
