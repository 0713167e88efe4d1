-- Writes table comment of package projections.
DELETE FROM comment c USING unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS n (live, account, position)
WHERE c.user_id = n.account AND c.live_id = n.live AND c.position < n.position
