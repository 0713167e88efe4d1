WITH moved AS MATERIALIZED (
    SELECT * FROM unnest($1::bigint[], $2::int[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::bigint[], $9::bigint[], $10::timestamptz[])
        AS m (position, seq, account, amount, rest, claimed, order_id, live_id, gift_id, at)
), total AS MATERIALIZED (
    SELECT account, sum(amount)::bigint AS amount, max(position) AS position FROM moved GROUP BY account
), updated AS (
    UPDATE coin SET balance = coin.balance + total.amount, position = total.position
    FROM total WHERE coin.account = total.account RETURNING coin.account, coin.balance
), opened AS (
    INSERT INTO coin (account, balance, position)
    SELECT account, amount, position FROM total WHERE account NOT IN (SELECT account FROM updated)
    RETURNING account, balance
), balance AS (
    TABLE updated UNION ALL TABLE opened
)
INSERT INTO coin_movement (position, seq, account, amount, balance_after, claimed, order_id, live_id, gift_id, at)
SELECT position, seq, account, amount, balance - rest, nullif(claimed, -1), nullif(order_id, ''), nullif(live_id, 0), nullif(gift_id, 0), at
FROM moved JOIN balance USING (account)
