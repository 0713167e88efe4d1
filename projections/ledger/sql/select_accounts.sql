-- Reads tables coin, coin_movement of package projections.
WITH later AS (
    SELECT account, sum(amount)::bigint AS amount FROM coin_movement WHERE position > @position AND position <= @end GROUP BY account
)
SELECT account, balance - coalesce(amount, 0) AS balance_then FROM coin LEFT JOIN later USING (account)
WHERE account > @after AND balance <> coalesce(amount, 0)
ORDER BY account LIMIT @limit
