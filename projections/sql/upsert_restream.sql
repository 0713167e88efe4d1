-- Writes table restream of package projections.
INSERT INTO restream (live_id, target, user_id, url, secret, set_at)
SELECT live, target, owner, url, secret, at FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[]) AS n (live, target, owner, url, secret, at)
ON CONFLICT (live_id, target) DO UPDATE SET url = excluded.url, secret = excluded.secret, set_at = excluded.set_at
