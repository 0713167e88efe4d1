-- Writes table viewer of package projections.
UPDATE viewer SET present = n.left_at IS NULL, node = nullif(n.node, ''), left_at = n.left_at, cause = nullif(n.cause, ''),
    joined_position = CASE n.joined_position WHEN 0 THEN viewer.joined_position ELSE n.joined_position END,
    joined_at = CASE n.joined_position WHEN 0 THEN viewer.joined_at ELSE n.joined_at END
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::timestamptz[], $6::timestamptz[], $7::text[])
    AS n (live_id, user_id, node, joined_position, joined_at, left_at, cause)
WHERE viewer.live_id = n.live_id AND viewer.user_id = n.user_id AND viewer.present
