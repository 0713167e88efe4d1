-- Writes table viewer_ban of package projections.
DELETE FROM viewer_ban WHERE (live_id, user_id) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[]))
