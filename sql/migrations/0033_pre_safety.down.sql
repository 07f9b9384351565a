drop function safety_count(date, text[], text);
drop table audit_log;
drop table safety_counts;
drop table safety_people;
