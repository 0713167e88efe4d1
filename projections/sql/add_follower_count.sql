-- Writes table follower_count of package projections.
WITH news AS (SELECT * FROM unnest($1::bigint[], $2::bigint[]) AS n (streamer_id, followers)),
updated AS (
    UPDATE follower_count SET followers = follower_count.followers + news.followers FROM news WHERE follower_count.streamer_id = news.streamer_id
    RETURNING follower_count.streamer_id
)
INSERT INTO follower_count (streamer_id, followers)
SELECT streamer_id, followers FROM news WHERE streamer_id NOT IN (SELECT streamer_id FROM updated)
