-- Partitions that were made stay: they are read and written as before.
drop function maintain_expired();
drop function maintain_partitions();
drop table maintenance_runs;
