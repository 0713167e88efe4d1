-- Writes table email of package projections.
INSERT INTO email (user_id, email) SELECT * FROM unnest($1::bigint[], $2::text[])
