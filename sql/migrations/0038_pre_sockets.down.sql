drop function socket_caller(text);
drop function socket_closed(text);
drop table socket_connections;
