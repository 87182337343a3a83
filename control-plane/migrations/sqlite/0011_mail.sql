-- E-mails to be sent: waiting until the mail server took them, then gone; failed once given up. Each is to one person, and is
-- written when it is sent, from the template of its kind and the rows it is about.
create table mail (
    id integer primary key autoincrement,
    -- random: what the Message-ID begins with, the same in every attempt
    mail_id text not null unique,
    -- system name of its template
    kind text not null,
    -- whom to: a user of an account, one of the provider's, or an address
    to_user_id bigint,
    to_provider_user_id bigint,
    to_address text,
    -- what it is about, as far as its kind says
    account_id bigint,
    user_id bigint,
    application_id bigint,
    plan_id bigint,
    -- an alert's or a message's
    object_id bigint,
    -- JSON object of texts that are nowhere else, such as a one-time link; sealed
    texts blob,
    created_at bigint not null,
    -- waiting or failed
    state text not null default 'waiting',
    attempts bigint not null default 0,
    -- not tried before; whoever tries it moves this first
    due_at bigint not null,
    -- of the last attempt
    error text,
    failed_at bigint
);
create index mail_due on mail (state, due_at, id);

-- When an alert was mailed: limits by the minute would be in the mail all day.
alter table alert add column mailed_at bigint;
create index alert_mailed on alert (application_id, metric_id, period, mailed_at) where mailed_at is not null;

-- From which level on an application's alerts are mailed to its account, where somebody chose; 0 is never.
create table alert_choice (
    application_id bigint primary key references application (id),
    mailed_from bigint not null
);

-- When its account was told that an application's trial ends.
alter table application add column trial_notice_at bigint;
