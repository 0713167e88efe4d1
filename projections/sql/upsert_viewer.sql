-- Writes table viewer of package projections.
INSERT INTO viewer (live_id, user_id, present, node, first_position, joined_position, joined_at, left_at, cause)
SELECT live_id, user_id, left_at IS NULL, nullif(node, ''), first_position, joined_position, joined_at, left_at, nullif(cause, '')
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::timestamptz[], $8::text[])
    AS n (live_id, user_id, node, first_position, joined_position, joined_at, left_at, cause)
ON CONFLICT (live_id, user_id) DO UPDATE SET present = excluded.present, node = excluded.node,
    joined_position = excluded.joined_position, joined_at = excluded.joined_at, left_at = excluded.left_at, cause = excluded.cause
WHERE NOT viewer.present
