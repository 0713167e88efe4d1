-- Writes table session of package projections.
INSERT INTO session (user_id, session, since, position)
SELECT user_id, nullif(session, ''), since, position
FROM unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::bigint[]) AS n (user_id, session, since, position)
ON CONFLICT (user_id) DO UPDATE SET session = excluded.session, since = excluded.since, position = excluded.position
