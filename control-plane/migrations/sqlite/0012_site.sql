-- What the portal is made of, moved by every write to it: whoever keeps compiled templates compares it.
create table cms_revision (
    one integer primary key check (one = 1),
    n bigint not null
);
insert into cms_revision (one, n) values (1, 1);

-- What went wrong when it was last rendered; the shipped text was shown instead. Empty when nothing did.
alter table cms_template add column problem text not null default '';
