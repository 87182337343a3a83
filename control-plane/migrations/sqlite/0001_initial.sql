-- Times are milliseconds since 1970, UTC. Ids are never reused: rows that usage may still name are
-- marked deleted, not removed.

-- One row. `n` is taken by `update … returning` in the writing transaction, so that revisions become
-- visible in order (a sequence would let 11 be seen before 10 commits).
create table revision (
    one integer primary key check (one = 1),
    n bigint not null
);
insert into revision (one, n) values (1, 1);

-- One row. A restored database gets a new epoch.
create table ledger_epoch (
    one integer primary key check (one = 1),
    epoch bigint not null
);

create table provider (
    id integer primary key autoincrement,
    name text not null,
    email text not null,
    -- SHA-256 of the provider key
    key_digest blob not null,
    created_at bigint not null,
    updated_at bigint not null
);

create table setting (
    name text primary key,
    value text not null
);

create table access_token (
    id integer primary key autoincrement,
    name text not null,
    digest blob not null unique,
    -- comma list of account_management, stats, cms, finance, policy_registry
    scopes text not null,
    -- ro or rw
    permission text not null,
    expires_at bigint,
    created_at bigint not null,
    last_used_at bigint
);

create table gateway (
    id integer primary key autoincrement,
    name text not null,
    -- staging or production
    environment text not null,
    token_digest blob not null unique,
    created_at bigint not null,
    last_seen_at bigint,
    revision_seen bigint,
    batches_waiting bigint,
    rejected_entries bigint,
    filter_version text,
    deleted_at bigint
);

create table product (
    id integer primary key autoincrement,
    name text not null,
    system_name text not null,
    description text not null default '',
    state text not null default 'incomplete',
    -- 1 user_key, 2 app_id and app_key
    backend_version text not null default '1',
    deployment_option text not null default 'self_managed',
    intentions_required boolean not null default false,
    buyers_manage_apps boolean not null default true,
    buyers_manage_keys boolean not null default true,
    custom_keys_enabled boolean not null default true,
    buyer_can_select_plan boolean not null default false,
    buyer_plan_change_permission text not null default 'request',
    support_email text not null default '',
    mandatory_app_key boolean not null default true,
    revision bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    deleted_at bigint
);
create index product_revision on product (revision);
create unique index product_system_name on product (system_name) where deleted_at is null;

create table metric (
    id integer primary key autoincrement,
    product_id bigint not null references product (id),
    -- the parent of a method
    parent_id bigint references metric (id),
    system_name text not null,
    friendly_name text not null,
    unit text not null,
    description text not null default '',
    created_at bigint not null,
    updated_at bigint not null,
    deleted_at bigint
);
create unique index metric_system_name on metric (product_id, system_name) where deleted_at is null;

-- The draft configuration of a product; `deploy` freezes it.
create table proxy (
    product_id bigint primary key references product (id),
    -- public base URLs
    endpoint text not null default '',
    sandbox_endpoint text not null default '',
    -- private base URL
    api_backend text not null default '',
    credentials_location text not null default 'query',
    -- our extension: comma list, null = from credentials_location
    credentials_sources text,
    strip_credentials boolean not null default false,
    auth_user_key text not null default 'user_key',
    auth_app_id text not null default 'app_id',
    auth_app_key text not null default 'app_key',
    jwt_claim text not null default 'jwt_payload.azp',
    error_format text not null default 'problem',
    error_auth_missing text,
    error_status_auth_missing bigint,
    error_headers_auth_missing text,
    error_auth_failed text,
    error_status_auth_failed bigint,
    error_headers_auth_failed text,
    error_no_match text,
    error_status_no_match bigint,
    error_headers_no_match text,
    error_limits_exceeded text,
    error_status_limits_exceeded bigint,
    error_headers_limits_exceeded text,
    -- sealed
    secret_token blob not null,
    -- sealed, our extension
    debug_secret blob,
    hostname_rewrite text not null default '',
    rate_limit_headers boolean not null default true,
    form_in_rules boolean not null default false,
    -- our extension, allow or deny: before the first snapshot, and when the control plane is away
    cold_start text not null default 'deny',
    on_disconnect text not null default 'allow',
    created_at bigint not null,
    updated_at bigint not null
);

create table mapping_rule (
    id integer primary key autoincrement,
    product_id bigint not null references product (id),
    -- JSON list of HTTP methods, or ["ANY"]
    methods text not null,
    pattern text not null,
    -- JSON list of {"metric_id", "delta"}
    usages text not null,
    position bigint not null,
    last boolean not null default false,
    created_at bigint not null,
    updated_at bigint not null
);
create index mapping_rule_product on mapping_rule (product_id, position);

-- Immutable contents, numbered per product.
create table proxy_version (
    id integer primary key autoincrement,
    product_id bigint not null references product (id),
    version bigint not null,
    -- 3scale's `content`, and below `tallygate` what gateways need (wire::ConfigV1 as JSON, sealed secrets)
    content text not null,
    created_at bigint not null,
    unique (product_id, version)
);

-- Which version an environment follows: the newest row counts, so going back is one more row.
create table proxy_config (
    id integer primary key autoincrement,
    product_id bigint not null references product (id),
    -- sandbox or production
    environment text not null,
    version bigint not null,
    created_at bigint not null
);
create index proxy_config_current on proxy_config (product_id, environment, id);

create table plan (
    id integer primary key autoincrement,
    -- account_plan, service_plan, application_plan
    type text not null,
    product_id bigint references product (id),
    name text not null,
    system_name text not null,
    -- hidden or published
    state text not null default 'hidden',
    is_default boolean not null default false,
    approval_required boolean not null default false,
    trial_period_days bigint not null default 0,
    setup_fee double precision not null default 0,
    cost_per_month double precision not null default 0,
    cancellation_period bigint not null default 0,
    created_at bigint not null,
    updated_at bigint not null,
    deleted_at bigint
);
create unique index plan_system_name on plan (type, coalesce(product_id, 0), system_name) where deleted_at is null;

create table plan_limit (
    id integer primary key autoincrement,
    plan_id bigint not null references plan (id),
    metric_id bigint not null references metric (id),
    period text not null,
    value bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    unique (plan_id, metric_id, period)
);

create table account (
    id integer primary key autoincrement,
    org_name text not null,
    -- created, pending, approved, rejected, suspended
    state text not null,
    plan_id bigint references plan (id),
    -- JSON object
    extra_fields text not null default '{}',
    created_at bigint not null,
    updated_at bigint not null,
    deleted_at bigint
);

create table account_user (
    id integer primary key autoincrement,
    account_id bigint not null references account (id),
    username text not null,
    email text not null,
    -- argon2id, null before one is set
    password_hash text,
    -- pending, active, suspended
    state text not null,
    -- admin or member
    role text not null,
    extra_fields text not null default '{}',
    created_at bigint not null,
    updated_at bigint not null,
    deleted_at bigint
);
create index account_user_account on account_user (account_id);
-- Whatever their case, names and addresses are one person's.
create unique index account_user_username on account_user (lower(username)) where deleted_at is null;
create unique index account_user_email on account_user (lower(email)) where deleted_at is null and email <> '';

create table application (
    id integer primary key autoincrement,
    account_id bigint not null references account (id),
    product_id bigint not null references product (id),
    plan_id bigint not null references plan (id),
    name text not null,
    description text not null default '',
    -- pending, live, suspended
    state text not null,
    -- app_id in clear: it is an identifier; null in user_key mode
    app_id text,
    -- sealed, null in app_id mode or when not retrievable
    user_key blob,
    -- core::key::ident of the product and app_id or user_key
    ident blob not null,
    create_origin text not null default '',
    extra_fields text not null default '{}',
    first_traffic_at bigint,
    first_daily_traffic_at bigint,
    revision bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    deleted_at bigint
);
create unique index application_ident on application (ident) where deleted_at is null;
create index application_revision on application (revision, id);
create index application_account on application (account_id);
create index application_plan on application (plan_id);

create table application_key (
    id integer primary key autoincrement,
    application_id bigint not null references application (id),
    -- core::key::digest
    digest blob not null,
    -- sealed, null when not retrievable
    value blob,
    created_at bigint not null,
    updated_at bigint not null,
    unique (application_id, digest)
);

-- Identifiers that no longer name an application: gateways must forget them.
create table retired_ident (
    id integer primary key autoincrement,
    application_id bigint not null references application (id),
    ident blob not null,
    revision bigint not null
);
create index retired_ident_revision on retired_ident (revision, application_id);

-- One per gateway process and epoch; kept at least 400 days.
create table instance (
    instance blob not null,
    epoch bigint not null,
    last_seq bigint not null,
    -- SHA-256 of the rows of batch `last_seq`
    last_digest blob,
    gateway_id bigint not null references gateway (id),
    first_seen_at bigint not null,
    last_seen_at bigint not null,
    draining boolean not null default false,
    -- a second process used the same name: nothing more is taken from it
    fenced boolean not null default false,
    -- batches lost with history (a restore)
    gaps bigint not null default 0,
    primary key (instance, epoch)
);

-- Tables that every batch of usage writes hold their rows in the key itself (`without rowid`).
-- Application × metric × window: what a limit is held against.
create table cell (
    application_id bigint not null,
    metric_id bigint not null,
    period text not null,
    -- seconds since 1970
    window_start bigint not null,
    used bigint not null,
    leased bigint not null default 0,
    version bigint not null default 0,
    reserved_for blob,
    need bigint not null default 0,
    reserved_until bigint not null default 0,
    primary key (application_id, metric_id, period, window_start)
) without rowid;

-- What an instance holds of a cell; never released by time.
create table lease (
    instance blob not null,
    epoch bigint not null,
    application_id bigint not null,
    metric_id bigint not null,
    period text not null,
    window_start bigint not null,
    granted bigint not null,
    spent bigint not null,
    returned bigint not null,
    granted_at bigint not null,
    primary key (instance, epoch, application_id, metric_id, period, window_start)
) without rowid;

-- Sums of usage. Periods: quarter (15 minutes, so that every time zone adds up), day, month, year, eternity.
create table usage_application (
    application_id bigint not null,
    metric_id bigint not null,
    period text not null,
    -- seconds since 1970
    window_start bigint not null,
    value bigint not null,
    primary key (application_id, metric_id, period, window_start)
) without rowid;
create table usage_product (
    product_id bigint not null,
    metric_id bigint not null,
    period text not null,
    window_start bigint not null,
    value bigint not null,
    primary key (product_id, metric_id, period, window_start)
) without rowid;

-- Rows of a batch that could not be applied.
create table quarantine (
    id integer primary key autoincrement,
    instance blob not null,
    epoch bigint not null,
    seq bigint not null,
    row_index bigint not null,
    -- compact wire::UsageRowV1
    row_bytes blob not null,
    reason text not null,
    created_at bigint not null
);
create index quarantine_batch on quarantine (instance, epoch, seq);

-- Answers to POSTs with an Idempotency-Key, kept 24 hours.
create table idempotency (
    key_digest blob primary key,
    request_digest blob not null,
    status bigint,
    -- sealed
    body blob,
    created_at bigint not null
);
create index idempotency_created on idempotency (created_at);
