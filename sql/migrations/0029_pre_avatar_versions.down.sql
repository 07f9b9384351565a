drop trigger avatars_version on avatars;
drop trigger avatars_first_version on avatars;
drop function keep_version();
drop table avatar_pictures;
drop table avatar_versions;
