-- What agents that are not our gateways name a product's Service Management API by.
create table service_token (
    id integer primary key autoincrement,
    product_id bigint not null references product (id),
    name text not null,
    -- SHA-256
    digest blob not null unique,
    -- sealed: it is shown in the product's configurations, for agents to read
    value blob not null,
    created_at bigint not null
);
create index service_token_product on service_token (product_id);
