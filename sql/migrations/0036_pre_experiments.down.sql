drop function experiment_halt(bigint, jsonb, timestamptz);
drop function experiment_sums(bigint);
drop policy gate on audit_log;
revoke insert on audit_log from anima_auth;
drop table experiment_assignments;
drop table experiments;
