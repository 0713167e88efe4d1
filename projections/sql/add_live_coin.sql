-- Writes table live_coin of package projections.
INSERT INTO live_coin (live_id, coins) SELECT * FROM unnest($1::bigint[], $2::bigint[])
ON CONFLICT (live_id) DO UPDATE SET coins = live_coin.coins + excluded.coins
