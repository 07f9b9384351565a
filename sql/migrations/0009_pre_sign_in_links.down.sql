-- Open links are lost; whoever was to use one gets another after the way forward.

drop function auth_end_families(uuid);
drop function auth_use_link(bytea, text, uuid, uuid, bytea, timestamptz);
drop function auth_link(bytea);
drop function auth_first_admin(text, bytea, timestamptz);
drop function auth_operator_link(text, bytea, timestamptz);
drop function auth_make_link(bigint, bytea, timestamptz);
drop function auth_store_link(bigint, bytea, timestamptz);
drop table sign_in_links;
revoke update (password_hash) on users from anima_auth;
