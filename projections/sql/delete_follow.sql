-- Writes table follow of package projections.
DELETE FROM follow WHERE (user_id, streamer_id) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[]))
