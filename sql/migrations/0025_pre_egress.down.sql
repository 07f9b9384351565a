drop index messages_edits;
drop index messages_kept;
