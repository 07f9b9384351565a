-- What was never fetched cannot be kept by the older code.
drop function expired_uploads();
drop table uploads;
delete from documents where storage_uri is null or content_sha256 is null;
alter table documents
    drop constraint documents_medium,
    drop column uri, drop column name, drop column mime_type, drop column media_id;
-- squawk-ignore adding-not-nullable-field
alter table documents alter column storage_uri set not null;
-- squawk-ignore adding-not-nullable-field
alter table documents alter column content_sha256 set not null;
