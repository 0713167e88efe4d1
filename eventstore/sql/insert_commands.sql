-- Writes table command of package eventstore.
INSERT INTO command (actor, key, hash, coins, position, events, refusal, refusal_text, recorded_at)
SELECT actor, key, hash, coins, position, events, nullif(refusal, ''), nullif(refusal_text, ''), $1
FROM unnest($2::text[], $3::text[], $4::bytea[], $5::bool[], $6::bigint[], $7::int[], $8::text[], $9::text[])
    AS c (actor, key, hash, coins, position, events, refusal, refusal_text)
