drop table session_digests;
drop table document_digests;
drop table summary_parts;
drop table summaries;
