-- Writes of the Account Management API, each noted by the transaction that it tells of.
create table audit_entry (
    id integer primary key autoincrement,
    created_at bigint not null,
    -- provider_key or access_token
    caller text not null,
    token_id bigint,
    -- as it was called then
    token_name text not null default '',
    -- whose token it is
    user_id bigint,
    username text not null default '',
    method text not null,
    -- without extension, secrets hidden
    path text not null,
    -- the pattern of the route
    route text not null,
    -- of the answer; null when the call ended before it had one
    status bigint,
    -- JSON, secrets hidden
    state_before text,
    state_after text
);
create index audit_entry_created on audit_entry (created_at);
create index audit_entry_path on audit_entry (path, id);

-- One row, from when webhooks are first set.
create table webhook (
    one integer primary key check (one = 1),
    url text not null default '',
    active boolean not null default false,
    -- whether what the provider does is told too
    provider_actions boolean not null default false,
    -- comma list of switches that are on, as in account_created_on
    switches text not null default '',
    -- sealed
    secret blob not null,
    created_at bigint not null,
    updated_at bigint not null
);

-- Events to be told: waiting until they are delivered, then gone; failed once given up.
create table webhook_event (
    id integer primary key autoincrement,
    -- random: receivers know repeated deliveries by it
    event_id text not null unique,
    -- account, user, application, alert
    type text not null,
    action text not null,
    object_id bigint not null,
    -- the XML that is sent, sealed
    body blob not null,
    created_at bigint not null,
    -- waiting or failed
    state text not null default 'waiting',
    attempts bigint not null default 0,
    -- not tried before; whoever tries it moves this first
    due_at bigint not null,
    -- of the last attempt
    url text,
    error text,
    failed_at bigint
);
create index webhook_event_due on webhook_event (state, due_at, id);

-- Limits that came close or were passed: one for each level that was reached in a window.
create table alert (
    id integer primary key autoincrement,
    application_id bigint not null,
    metric_id bigint not null,
    period text not null,
    -- seconds since 1970
    window_start bigint not null,
    -- percent: 50, 80, 90, 100, 120, 150, 200, 300
    level bigint not null,
    -- when it was raised
    used bigint not null,
    limit_value bigint not null,
    created_at bigint not null,
    read_at bigint,
    unique (application_id, metric_id, period, window_start, level)
);
create index alert_created on alert (created_at, id);
create index alert_application on alert (application_id, id);
