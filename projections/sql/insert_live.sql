-- Writes table live of package projections.
INSERT INTO live (id, user_id, title, cover, stream_key, created_at, updated_at)
SELECT id, user_id, title, cover, stream_key, at, at
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::timestamptz[]) AS n (id, user_id, title, cover, stream_key, at)
