-- Reads table events of package eventstore and table checkpoint of package eventstore/consumer and tables coin_held, coin_hold, correction, payout, poison of package projections.
SELECT h.position, coalesce((SELECT position FROM checkpoint WHERE consumer_group = $1), 0),
    p.poisoned, p.first_poisoned, p.aside, p.aside_coins, p.payouts, k.users, k.everybody, k.since,
    (SELECT count(DISTINCT position) FROM coin_held),
    o.payouts, o.coins, (SELECT count(*) FROM correction WHERE status = 'open')
FROM (SELECT coalesce((SELECT position FROM events ORDER BY position DESC LIMIT 1), 0) AS position) h,
    (SELECT count(DISTINCT position) FILTER (WHERE set_aside IS NULL) AS poisoned,
        coalesce(min(position) FILTER (WHERE set_aside IS NULL), 0) AS first_poisoned,
        count(DISTINCT position) FILTER (WHERE set_aside IS NOT NULL) AS aside,
        count(DISTINCT position) FILTER (WHERE set_aside IS NOT NULL AND projection = 'coins') AS aside_coins,
        count(DISTINCT position) FILTER (WHERE projection = 'payouts') AS payouts FROM poison) p,
    (SELECT count(DISTINCT user_id) FILTER (WHERE user_id > 0) AS users, coalesce(bool_or(user_id = 0), false) AS everybody,
        coalesce(min(position), 0) AS since FROM coin_hold) k,
    (SELECT count(*) AS payouts, coalesce(sum(coins), 0)::bigint AS coins FROM payout WHERE status = 'held') o
