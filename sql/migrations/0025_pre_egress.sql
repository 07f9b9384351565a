-- Messages of turns that were kept from a provider, found by their mark: what they are about is known without their words.
create index messages_kept on messages (owner_id, message_id) where metadata ? 'kept';

-- What was said in other words since is found by the mark of what replaced it.
create index messages_edits on messages (owner_id, (metadata ->> 'edits')) where metadata ? 'edits';
