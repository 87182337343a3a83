-- Plans made for one application: the plan that it was on, which it goes back to.
alter table plan add column original_id bigint references plan (id);
create index plan_original on plan (original_id) where original_id is not null;

-- What a plan offers, in words; nothing that gateways know.
create table feature (
    id integer primary key autoincrement,
    -- none: of account plans
    product_id bigint references product (id),
    -- kind of the plans that may have it: account_plan, service_plan, application_plan
    scope text not null,
    name text not null,
    system_name text not null,
    description text not null default '',
    visible boolean not null default true,
    created_at bigint not null,
    updated_at bigint not null
);
create unique index feature_system_name on feature (coalesce(product_id, 0), system_name);

create table plan_feature (
    plan_id bigint not null references plan (id),
    feature_id bigint not null references feature (id),
    created_at bigint not null,
    primary key (plan_id, feature_id)
);
create index plan_feature_feature on plan_feature (feature_id);

-- What usage costs, by how much there is of it: units from `min` to `max` (none: and beyond).
create table pricing_rule (
    id integer primary key autoincrement,
    plan_id bigint not null references plan (id),
    metric_id bigint not null references metric (id),
    min bigint not null,
    max bigint,
    -- ten-thousandths of the currency's unit
    cost_per_unit_e4 bigint not null,
    created_at bigint not null,
    updated_at bigint not null
);
create index pricing_rule_plan on pricing_rule (plan_id, metric_id);

-- An account subscribes to a product, by a service plan.
create table service_contract (
    id integer primary key autoincrement,
    account_id bigint not null references account (id),
    product_id bigint not null references product (id),
    plan_id bigint not null references plan (id),
    -- pending, live
    state text not null,
    setup_fee double precision not null,
    trial_period_expires_at bigint,
    accepted_at bigint,
    created_at bigint not null,
    updated_at bigint not null,
    unique (account_id, product_id)
);
create index service_contract_plan on service_contract (plan_id);
create index service_contract_product on service_contract (product_id);
create index account_plan on account (plan_id);

-- Whoever has an application of a product has been on its default service plan.
insert into service_contract (account_id, product_id, plan_id, state, setup_fee, accepted_at, created_at, updated_at)
select application.account_id, application.product_id, plan.id, 'live', plan.setup_fee, min(application.created_at),
       min(application.created_at), min(application.created_at)
from application
join plan on plan.type = 'service_plan' and plan.product_id = application.product_id and plan.is_default
    and plan.deleted_at is null
where application.deleted_at is null
group by application.account_id, application.product_id, plan.id, plan.setup_fee
order by min(application.created_at), application.account_id, application.product_id;

-- Hosts that an application's requests may come from, `*` for anything.
create table referrer_filter (
    id integer primary key autoincrement,
    application_id bigint not null references application (id),
    value text not null,
    created_at bigint not null,
    updated_at bigint not null,
    unique (application_id, value)
);
-- Whether gateways hold requests against them.
alter table product add column referrer_filters_required boolean not null default false;

-- What the provider writes to a developer.
create table message (
    id integer primary key autoincrement,
    account_id bigint not null references account (id),
    subject text not null,
    body text not null,
    -- sent
    state text not null,
    created_at bigint not null,
    updated_at bigint not null
);
create index message_account on message (account_id, id);
