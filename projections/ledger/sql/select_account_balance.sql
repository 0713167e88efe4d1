-- Reads tables coin_movement, poison of package projections.
-- Each movement has the balance after it. When an operator sets an event aside, the events that have waited for it are applied
-- late: between the two positions the balances are then not in the order of the log. For a position there, the statement adds up
-- the amounts since the first such event.
WITH newest AS (
    SELECT position, balance_after FROM coin_movement WHERE account = $1 AND position <= $2 ORDER BY position DESC LIMIT 1
), late AS (
    SELECT min(position) AS first FROM poison WHERE set_aside IS NOT NULL
    HAVING bool_or(position <= (SELECT position FROM newest) AND set_aside > (SELECT position FROM newest))
)
SELECT CASE WHEN EXISTS (SELECT FROM late) THEN
    coalesce((
        SELECT balance_after FROM coin_movement WHERE account = $1 AND position < (SELECT first FROM late) ORDER BY position DESC LIMIT 1
    ), 0) + (
        SELECT coalesce(sum(amount), 0)::bigint FROM coin_movement
        WHERE account = $1 AND position > (SELECT first FROM late) AND position <= $2
    )
ELSE coalesce((SELECT balance_after FROM newest), 0) END
