-- Writes table live_coin of package projections.
-- A batch may add less than it refunds, so it must not insert its sum for a live that has a row.
WITH news AS (SELECT * FROM unnest($1::bigint[], $2::bigint[]) AS n (live_id, coins)),
updated AS (
    UPDATE live_coin SET coins = live_coin.coins + news.coins FROM news WHERE live_coin.live_id = news.live_id RETURNING live_coin.live_id
)
INSERT INTO live_coin (live_id, coins) SELECT live_id, coins FROM news WHERE live_id NOT IN (SELECT live_id FROM updated)
