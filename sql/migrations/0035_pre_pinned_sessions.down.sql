drop index sessions_client;
alter table sessions drop column client_id;
