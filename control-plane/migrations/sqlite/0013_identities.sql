-- Whom somebody at an identity provider is here.
create table identity (
    authentication_provider_id bigint not null references authentication_provider (id) on delete cascade,
    -- what names the person there, for good
    identifier text not null,
    user_id bigint not null references account_user (id),
    created_at bigint not null,
    primary key (authentication_provider_id, identifier)
);
create index identity_user on identity (user_id);
