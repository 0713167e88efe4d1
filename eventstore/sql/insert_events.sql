-- Writes table events of package eventstore.
INSERT INTO events (position, stream, version, event_id, type, payload, metadata, live_id, recorded_at)
SELECT $1 + n, stream, version, event_id, type, payload, metadata, nullif(live_id, 0), $2
FROM unnest($3::text[], $4::int[], $5::uuid[], $6::text[], $7::json[], $8::json[], $9::bigint[])
    WITH ORDINALITY AS e (stream, version, event_id, type, payload, metadata, live_id, n)
