-- Reads tables coin, coin_movement of package projections.
-- The accounts of one kind have names with the same beginning.
WITH later AS (
    SELECT account, sum(amount)::bigint AS amount FROM coin_movement WHERE position > $1 AND position <= $2 GROUP BY account
)
SELECT split_part(account, '-', 1) AS kind, count(*) FILTER (WHERE balance <> coalesce(amount, 0)), sum(balance - coalesce(amount, 0))::bigint
FROM coin LEFT JOIN later USING (account) GROUP BY 1 ORDER BY 1
