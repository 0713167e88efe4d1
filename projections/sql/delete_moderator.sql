-- Writes table moderator of package projections.
DELETE FROM moderator WHERE (live_id, user_id) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[]))
