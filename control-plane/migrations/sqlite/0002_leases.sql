-- Leases begin here: the table was made before and never written.

-- What an instance holds of a cell; never released by time. The key begins with the cell, for who else holds of it.
-- Its totals change with every batch, so none of the indexes is over them.
drop table lease;
create table lease (
    application_id bigint not null,
    metric_id bigint not null,
    period text not null,
    -- seconds since 1970
    window_start bigint not null,
    instance blob not null,
    epoch bigint not null,
    granted bigint not null,
    spent bigint not null,
    returned bigint not null,
    granted_at bigint not null,
    -- when its holder last reported, 0 before the first time
    settled_at bigint not null,
    -- how fast it was spent lately, in thousandths a second
    rate_milli bigint not null,
    -- windows in a row that it was granted ahead and not used
    idle_windows bigint not null,
    -- when somebody was last short of it, 0 never
    recalled_at bigint not null,
    -- when an operator gave it up, 0 never; its holder is told so when it comes back
    written_off_at bigint not null,
    primary key (application_id, metric_id, period, window_start, instance, epoch)
) without rowid;
-- Open windows, of one instance or of all. For queries that say `window_start + 0`: those that name the whole key must
-- not be tempted by it, before there are statistics.
create index lease_window on lease ((window_start + 0), period, instance);
-- What an instance is asked to return.
create index lease_recalled on lease (instance, recalled_at) where recalled_at > 0;
create index lease_written_off on lease (instance) where written_off_at > 0;

-- An operator has asked this process to return what it holds and to take no more than it needs: it will be stopped.
alter table instance add column drain_asked boolean not null default false;
-- Which instances are alive.
create index instance_seen on instance (last_seen_at);

-- After a restore nothing is granted until then; null until the first call of the new epoch says when.
alter table ledger_epoch add column grace_until bigint default 0;

-- What gateway processes have done for a product since each of them started.
create table instance_product (
    product_id bigint not null,
    instance blob not null,
    gateway_id bigint not null,
    admitted bigint not null,
    waited bigint not null,
    callouts bigint not null,
    overdraft bigint not null,
    primary key (product_id, instance)
) without rowid;
