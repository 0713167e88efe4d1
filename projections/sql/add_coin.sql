-- Writes table coin of package projections.
WITH news AS (SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS n (account, amount, position)),
updated AS (
    UPDATE coin SET balance = coin.balance + news.amount, position = greatest(coin.position, news.position)
    FROM news WHERE coin.account = news.account RETURNING coin.account
)
INSERT INTO coin (account, balance, position)
SELECT account, amount, position FROM news WHERE account NOT IN (SELECT account FROM updated)
