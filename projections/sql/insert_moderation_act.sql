-- Writes table moderation_act of package projections.
INSERT INTO moderation_act (live_id, position, user_id)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
