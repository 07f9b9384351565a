drop table style_profiles;
