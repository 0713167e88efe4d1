UPDATE viewer SET present = n.left_at IS NULL, process = nullif(n.process, ''), left_at = n.left_at, cause = nullif(n.cause, '')
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::timestamptz[], $5::text[]) AS n (live_id, user_id, process, left_at, cause)
WHERE viewer.live_id = n.live_id AND viewer.user_id = n.user_id
