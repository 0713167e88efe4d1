-- Writes table recording of package projections.
INSERT INTO recording (id, live_id, user_id, started_at)
SELECT id, live, owner, at FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[]) AS n (id, live, owner, at)
