-- Writes table publish_key of package projections.
INSERT INTO publish_key (live_id, hash, set_at)
SELECT live, hash, at FROM unnest($1::bigint[], $2::text[], $3::timestamptz[]) AS n (live, hash, at)
ON CONFLICT (live_id) DO UPDATE SET hash = excluded.hash, set_at = excluded.set_at
