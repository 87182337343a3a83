-- What developers read: API specifications, and the portal's pages, layouts, partials and files.

create table active_doc (
    id integer primary key autoincrement,
    system_name text not null,
    name text not null,
    description text not null default '',
    -- the product it describes, if any
    product_id bigint references product (id),
    -- JSON
    body text not null,
    -- of the specification: 2.0, 3.0, 3.1; empty when it was not validated
    format text not null default '',
    published boolean not null default false,
    skip_swagger_validations boolean not null default false,
    created_at bigint not null,
    updated_at bigint not null
);
create unique index active_doc_system_name on active_doc (system_name);

-- A tree of paths; who may read what is below them.
create table cms_section (
    id integer primary key autoincrement,
    -- null for the root alone
    parent_id bigint references cms_section (id),
    title text not null,
    system_name text not null,
    partial_path text not null,
    public boolean not null default true,
    created_at bigint not null,
    updated_at bigint not null
);
create unique index cms_section_system_name on cms_section (system_name);
create unique index cms_section_title on cms_section (coalesce(parent_id, 0), title);
insert into cms_section (parent_id, title, system_name, partial_path, created_at, updated_at)
values (null, 'Root', 'root', '/', cast(strftime('%s', 'now') as integer) * 1000, cast(strftime('%s', 'now') as integer) * 1000);

create table cms_template (
    id integer primary key autoincrement,
    -- page, layout, partial
    type text not null,
    system_name text not null,
    title text not null,
    -- pages only
    path text,
    section_id bigint references cms_section (id),
    layout_id bigint references cms_template (id),
    content_type text not null default 'text/html',
    liquid_enabled boolean not null default true,
    -- markdown, textile, or empty
    handler text not null default '',
    draft text,
    published text,
    created_at bigint not null,
    updated_at bigint not null
);
create unique index cms_template_system_name on cms_template (type, system_name);
create unique index cms_template_path on cms_template (path) where path is not null;
create index cms_template_section on cms_template (section_id);
create index cms_template_layout on cms_template (layout_id);

-- What was published, and is to be found again.
create table cms_version (
    id integer primary key autoincrement,
    template_id bigint not null references cms_template (id),
    content text not null,
    created_at bigint not null
);
create index cms_version_template on cms_version (template_id, id);

create table cms_file (
    id integer primary key autoincrement,
    section_id bigint not null references cms_section (id),
    path text not null,
    -- the uploaded file's own name
    title text not null,
    content_type text not null,
    downloadable boolean not null default false,
    content blob not null,
    created_at bigint not null,
    updated_at bigint not null
);
create unique index cms_file_path on cms_file (path);
create index cms_file_section on cms_file (section_id);
