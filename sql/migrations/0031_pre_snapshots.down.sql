revoke usage on sequence messages_message_id_seq, sessions_session_id_seq from anima_app;
drop table snapshot_ids;
