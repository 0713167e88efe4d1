-- Reads tables events, store of package eventstore.
-- Uses the snapshot of the transaction, which pg_dump then uses too.
SELECT pg_export_snapshot(), current_setting('server_version_num')::int / 10000, s.id::text,
       coalesce(e.position, 0), coalesce(e.event_id::text, '')
FROM public.store s
LEFT JOIN (SELECT position, event_id FROM public.events ORDER BY position DESC LIMIT 1) e ON true
