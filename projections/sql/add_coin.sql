-- Writes table coin of package projections.
WITH news AS (SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) AS n (account, amount, position, received)),
updated AS (
    UPDATE coin SET balance = coin.balance + news.amount, position = greatest(coin.position, news.position), received = coin.received + news.received
    FROM news WHERE coin.account = news.account RETURNING coin.account
)
INSERT INTO coin (account, balance, position, received)
SELECT account, amount, position, received FROM news WHERE account NOT IN (SELECT account FROM updated)
