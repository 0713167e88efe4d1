-- Writes table poison of package projections.
INSERT INTO poison (position, projection, type, cause)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING
