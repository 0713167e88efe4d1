-- Reads table follow of package projections.
SELECT user_id FROM follow WHERE streamer_id = $1 AND user_id = ANY ($2::bigint[])
