-- Writes table coin_movement of package projections. Reads table coin of package projections.
INSERT INTO coin_movement (position, seq, account, amount, balance_after, claimed, order_id, live_id, gift_id, at)
SELECT m.position, seq, account, amount, coin.balance - rest, nullif(claimed, -1), nullif(order_id, ''), nullif(live_id, 0), nullif(gift_id, 0), at
FROM unnest($1::bigint[], $2::int[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::bigint[], $9::bigint[], $10::timestamptz[])
    AS m (position, seq, account, amount, rest, claimed, order_id, live_id, gift_id, at)
JOIN coin USING (account)
