drop table plugin_invocations;
drop table plugin_permissions;
drop table plugins;
