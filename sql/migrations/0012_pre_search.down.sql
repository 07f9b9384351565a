-- Passages forget who speaks in them, the log forgets where it was looked.

alter table retrieval_logs drop column warnings;
alter table retrieval_logs drop column floor;
alter table retrieval_logs drop column purposes;
drop trigger chunks_speaker on chunks;
drop function name_speaker();
drop index chunks_speaker;
alter table chunks drop column speaker;
drop function speaker_name(text);
