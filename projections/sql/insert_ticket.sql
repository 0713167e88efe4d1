-- Writes table ticket of package projections.
INSERT INTO ticket (position, live_id, user_id, coins, share, at, returned, reason)
SELECT position, live_id, user_id, coins, share, at, nullif(returned, 0), nullif(reason, '')
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::bigint[], $8::text[])
    AS n (position, live_id, user_id, coins, share, at, returned, reason)
