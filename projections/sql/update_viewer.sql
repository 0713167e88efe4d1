UPDATE viewer SET present = n.left_at IS NULL, process = nullif(n.process, ''), left_at = n.left_at, cause = nullif(n.cause, ''),
    joined = CASE n.joined WHEN 0 THEN viewer.joined ELSE n.joined END,
    joined_at = CASE n.joined WHEN 0 THEN viewer.joined_at ELSE n.joined_at END
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::timestamptz[], $6::timestamptz[], $7::text[])
    AS n (live_id, user_id, process, joined, joined_at, left_at, cause)
WHERE viewer.live_id = n.live_id AND viewer.user_id = n.user_id AND viewer.present
