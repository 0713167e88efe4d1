-- Writes tables follow, follower_count of package projections.
WITH gone AS (DELETE FROM follow WHERE user_id = ANY ($1::bigint[]) RETURNING streamer_id),
lost AS (SELECT streamer_id, count(*) AS followers FROM gone GROUP BY streamer_id)
UPDATE follower_count SET followers = follower_count.followers - lost.followers FROM lost WHERE follower_count.streamer_id = lost.streamer_id
