-- Reads table checkpoint of package eventstore/consumer and tables coin_held, coin_hold, poison of package projections.
SELECT coalesce((SELECT position FROM checkpoint WHERE consumer_group = $1), 0), (
    SELECT count(*) FROM (
        SELECT position FROM poison WHERE set_aside IS NULL AND position IN (SELECT position FROM coin_hold) UNION SELECT position FROM coin_held
    ) waiting
)
