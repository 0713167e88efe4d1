-- Writes table held_comment of package projections.
INSERT INTO held_comment (live_id, held, position, user_id, text, cause, at)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::timestamptz[])
