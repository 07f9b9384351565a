drop trigger documents_transcript on documents;
drop function forget_transcript();
revoke usage on sequence messages_message_id_seq, sessions_session_id_seq from anima_worker;
drop table transcript_sessions;
drop table transcripts;
