-- Writes table report_entry of package projections.
INSERT INTO report_entry (live_id, report, user_id, position, cause, text, at)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::timestamptz[])
