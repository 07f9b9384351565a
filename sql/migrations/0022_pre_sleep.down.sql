drop trigger messages_deleted_consolidated on messages;
drop function messages_untold();
drop function remake_consolidated(bigint, bigint[]);
drop function owners_with_faded();
drop index episodes_fading;
drop table sleeps;
