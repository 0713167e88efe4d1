-- Writes table payout of package projections.
INSERT INTO payout (id, streamer, coins, status, reason, position, requested_at)
SELECT id, streamer, coins, 'held', reason, position, at
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::timestamptz[])
    AS n (id, streamer, coins, reason, position, at)
