-- Writes table moderator of package projections.
INSERT INTO moderator (live_id, user_id, position)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
ON CONFLICT (live_id, user_id) DO UPDATE SET position = excluded.position
