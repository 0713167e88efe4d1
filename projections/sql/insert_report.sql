-- Writes table report of package projections.
INSERT INTO report (live_id, report, position, target_id, comment, at)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::timestamptz[])
ON CONFLICT (live_id, report) DO NOTHING
