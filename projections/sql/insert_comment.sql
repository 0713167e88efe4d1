-- Writes table comment of package projections.
INSERT INTO comment (position, id, live_id, user_id, text, at)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::timestamptz[])
