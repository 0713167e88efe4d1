-- Writes table live_online of package projections.
WITH news AS (SELECT * FROM unnest($1::bigint[], $2::bigint[]) AS n (live_id, online)),
updated AS (
    UPDATE live_online SET online = live_online.online + news.online FROM news WHERE live_online.live_id = news.live_id
    RETURNING live_online.live_id
)
INSERT INTO live_online (live_id, online)
SELECT live_id, online FROM news WHERE live_id NOT IN (SELECT live_id FROM updated)
