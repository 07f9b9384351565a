drop function training_due(interval);
drop function training_room();
drop function training_take(uuid, integer, integer);
drop table job_logs;
drop table gpu_sessions;
drop table training_jobs;
