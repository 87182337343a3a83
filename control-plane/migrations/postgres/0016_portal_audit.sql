-- Developers write too, in the portal: which user of which account it was.
alter table audit_entry add column account_user_id bigint;
create index audit_entry_account_user on audit_entry (account_user_id, id);
