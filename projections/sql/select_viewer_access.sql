-- Reads tables user_account, viewer_ban of package projections.
SELECT v.live_id, v.user_id, u.id IS NOT NULL, coalesce(u.disabled, false), coalesce(u.forgotten, false), u.banned_until, b.until
FROM unnest($1::bigint[], $2::bigint[]) AS v (live_id, user_id)
LEFT JOIN user_account u ON u.id = v.user_id
LEFT JOIN viewer_ban b ON b.live_id = v.live_id AND b.user_id = v.user_id
