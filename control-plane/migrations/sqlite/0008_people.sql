-- The provider's people, and what they own. Until here there was one console login, kept as two settings.
create table provider_user (
    id integer primary key autoincrement,
    username text not null,
    email text not null,
    -- argon2id, null before one is set
    password_hash text,
    -- pending, active, suspended
    state text not null,
    -- admin (may do everything) or member (may do what follows)
    role text not null,
    -- JSON list of sections
    sections text not null default '[]',
    -- JSON list of products, null = all
    product_ids text,
    -- JSON object
    extra_fields text not null default '{}',
    -- JSON object: what was chosen otherwise than the default
    notification_preferences text not null default '{}',
    created_at bigint not null,
    updated_at bigint not null,
    deleted_at bigint
);
create unique index provider_user_username on provider_user (lower(username)) where deleted_at is null;
create unique index provider_user_email on provider_user (lower(email)) where deleted_at is null and email <> '';

-- The first of them: whoever had the console login.
insert into provider_user (username, email, password_hash, state, role, created_at, updated_at)
select coalesce((select value from setting where name = 'console_username'), 'admin'), email,
       (select value from setting where name = 'console_password_hash'), 'active', 'admin', created_at, updated_at
from provider order by id limit 1;
delete from setting where name in ('console_username', 'console_password_hash');

-- Every token is somebody's.
create table owned_access_token (
    id integer primary key autoincrement,
    name text not null,
    digest blob not null unique,
    -- comma list of account_management, stats, cms, finance, policy_registry
    scopes text not null,
    -- ro or rw
    permission text not null,
    expires_at bigint,
    created_at bigint not null,
    last_used_at bigint,
    owner_id bigint not null references provider_user (id)
);
insert into owned_access_token (id, name, digest, scopes, permission, expires_at, created_at, last_used_at, owner_id)
select id, name, digest, scopes, permission, expires_at, created_at, last_used_at, (select min(id) from provider_user)
from access_token where exists (select 1 from provider_user);
drop table access_token;
alter table owned_access_token rename to access_token;
create index access_token_owner on access_token (owner_id);

-- Fields that accounts, users and applications have beside those that everybody's have.
create table fields_definition (
    id integer primary key autoincrement,
    -- Account, User or Cinstance (an application)
    target text not null,
    name text not null,
    label text not null,
    required boolean not null default false,
    hidden boolean not null default false,
    read_only boolean not null default false,
    -- JSON list of texts; empty = anything
    choices text not null default '[]',
    position bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    unique (target, name)
);
insert into fields_definition (target, name, label, required, position, created_at, updated_at)
select target, name, label, true, position, now, now
from (select 'Account' as target, 'org_name' as name, 'Organization/Group Name' as label, 1 as position
      union all select 'User', 'username', 'Username', 1
      union all select 'User', 'email', 'Email', 2
      union all select 'Cinstance', 'name', 'Name', 1
      union all select 'Cinstance', 'description', 'Description', 2) as own,
     (select cast((julianday('now') - 2440587.5) * 86400000 as bigint) as now) as clock;

-- Where people may sign in from: developers at the portal, the provider's own at the console.
create table authentication_provider (
    id integer primary key autoincrement,
    -- developer or provider
    account_type text not null,
    kind text not null,
    name text not null,
    system_name text not null unique,
    client_id text not null,
    -- sealed
    client_secret blob,
    site text not null,
    token_url text not null,
    user_info_url text not null,
    authorize_url text not null,
    identifier_key text not null,
    username_key text not null,
    trust_email boolean not null,
    -- threescale_branded or custom_branded, of kind github
    branding_state text,
    published boolean not null,
    skip_ssl_certificate_verification boolean not null,
    automatically_approve_accounts boolean not null,
    created_at bigint not null,
    updated_at bigint not null
);
create unique index authentication_provider_kind on authentication_provider (kind) where account_type = 'developer';

-- Links that sign a developer in, each once.
create table sso_token (
    -- SHA-256
    digest blob primary key,
    user_id bigint not null references account_user (id),
    -- a path of the portal
    redirect_path text not null,
    created_at bigint not null,
    expires_at bigint not null,
    used_at bigint
);
create index sso_token_expires on sso_token (expires_at);
