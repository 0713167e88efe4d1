WITH news AS (SELECT * FROM unnest($1::bigint[], $2::bigint[]) AS n (live_id, online)),
updated AS (
    UPDATE audience SET online = audience.online + news.online FROM news WHERE audience.live_id = news.live_id
    RETURNING audience.live_id
)
INSERT INTO audience (live_id, online)
SELECT live_id, online FROM news WHERE live_id NOT IN (SELECT live_id FROM updated)
