drop function slow_statements(integer);
revoke select on schema_migrations from anima_admin;
drop table table_sizes;
