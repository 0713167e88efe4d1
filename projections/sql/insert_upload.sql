-- Writes table upload of package projections.
INSERT INTO upload (id, user_id, bytes, added_at)
SELECT id, owner, bytes, at FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[]) AS n (id, owner, bytes, at)
