-- Whether a user is known to receive mail at its address: not after the user changed it, until a mailed link was followed.
alter table account_user add column email_confirmed boolean not null default true;
