-- Reads table ticket of package projections.
SELECT count(*), count(returned), coalesce(sum(coins) FILTER (WHERE returned IS NULL), 0)::bigint,
    coalesce(sum(share) FILTER (WHERE returned IS NULL), 0)::bigint
FROM ticket WHERE live_id = $1
