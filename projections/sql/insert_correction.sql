-- Writes table correction of package projections.
INSERT INTO correction (id, account, user_id, coins, proposer, reason, proposed_at, expires_at, status)
SELECT id, account, user_id, coins, proposer, reason, at, to_timestamp(expires), status
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::timestamptz[], $8::bigint[], $9::text[])
    AS n (id, account, user_id, coins, proposer, reason, at, expires, status)
