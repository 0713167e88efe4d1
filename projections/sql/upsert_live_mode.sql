-- Writes table live_mode of package projections.
INSERT INTO live_mode (live_id, mode, value, until)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[])
ON CONFLICT (live_id, mode) DO UPDATE SET value = excluded.value, until = excluded.until
