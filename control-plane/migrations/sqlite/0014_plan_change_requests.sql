-- Plans that developers ask for where the provider decides: gone once decided, at most one of an application.

create table plan_change_request (
    id integer primary key autoincrement,
    application_id bigint not null references application (id),
    plan_id bigint not null references plan (id),
    -- who asks; users may be gone before it is decided
    user_id bigint not null,
    created_at bigint not null
);
create unique index plan_change_request_application on plan_change_request (application_id);
