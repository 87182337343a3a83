-- Backends: APIs of the provider's own that products are made of. Metrics and mapping rules belong to either.

create table backend (
    id integer primary key autoincrement,
    name text not null,
    system_name text not null,
    description text not null default '',
    -- private base URL
    private_endpoint text not null,
    -- our extension: the operator's cluster that leads there
    cluster text,
    created_at bigint not null,
    updated_at bigint not null,
    deleted_at bigint
);
create unique index backend_system_name on backend (system_name) where deleted_at is null;

-- Which backends a product uses, and below which path. A row that is deleted stays: usage names the backend's metrics.
create table backend_usage (
    id integer primary key autoincrement,
    product_id bigint not null references product (id),
    backend_id bigint not null references backend (id),
    -- `/`, or `/path` without a final slash
    path text not null,
    created_at bigint not null,
    updated_at bigint not null,
    deleted_at bigint
);
create index backend_usage_backend on backend_usage (backend_id);
create index backend_usage_product on backend_usage (product_id);
create unique index backend_usage_once on backend_usage (product_id, backend_id) where deleted_at is null;
create unique index backend_usage_path on backend_usage (product_id, lower(path)) where deleted_at is null;

-- SQLite cannot make a column nullable: both tables are made anew. Their ids go on where they were.
pragma defer_foreign_keys = on;
create temp table kept_sequence as select name, seq from sqlite_sequence where name in ('metric', 'mapping_rule');

create temp table kept_metric as select * from metric;
drop table metric;
create table metric (
    id integer primary key autoincrement,
    product_id bigint references product (id),
    -- the parent of a method
    parent_id bigint references metric (id),
    system_name text not null,
    friendly_name text not null,
    unit text not null,
    description text not null default '',
    created_at bigint not null,
    updated_at bigint not null,
    deleted_at bigint,
    backend_id bigint references backend (id),
    check ((product_id is null) <> (backend_id is null))
);
insert into metric (
    id, product_id, parent_id, system_name, friendly_name, unit, description, created_at, updated_at, deleted_at
) select
    id, product_id, parent_id, system_name, friendly_name, unit, description, created_at, updated_at, deleted_at
from kept_metric order by id;
drop table kept_metric;
create unique index metric_system_name on metric (product_id, system_name) where deleted_at is null;
create unique index metric_backend on metric (backend_id, system_name) where deleted_at is null;

create temp table kept_rule as select * from mapping_rule;
drop table mapping_rule;
create table mapping_rule (
    id integer primary key autoincrement,
    product_id bigint references product (id),
    -- JSON list of HTTP methods, or ["ANY"]
    methods text not null,
    pattern text not null,
    -- JSON list of {"metric_id", "delta"}
    usages text not null,
    position bigint not null,
    last boolean not null default false,
    created_at bigint not null,
    updated_at bigint not null,
    backend_id bigint references backend (id),
    check ((product_id is null) <> (backend_id is null))
);
insert into mapping_rule (
    id, product_id, methods, pattern, usages, position, last, created_at, updated_at
) select id, product_id, methods, pattern, usages, position, last, created_at, updated_at
from kept_rule order by id;
drop table kept_rule;
create index mapping_rule_product on mapping_rule (product_id, position);
create index mapping_rule_backend on mapping_rule (backend_id, position);

delete from sqlite_sequence where name in ('metric', 'mapping_rule');
insert into sqlite_sequence (name, seq) select name, seq from kept_sequence;
drop table kept_sequence;
