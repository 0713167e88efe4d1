-- Reads table events of package eventstore.
SELECT (payload ->> 'position')::bigint FROM events WHERE type = 'event.set_aside.v1' AND payload ->> 'position' ~ '^[0-9]{1,18}$'
