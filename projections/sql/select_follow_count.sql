-- Reads tables follow, follower_count of package projections.
SELECT coalesce((SELECT followers FROM follower_count WHERE streamer_id = $1), 0), coalesce((SELECT since FROM follow WHERE user_id = $2 AND streamer_id = $1), 0)
