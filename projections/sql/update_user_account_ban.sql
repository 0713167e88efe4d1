-- Writes table user_account of package projections.
UPDATE user_account SET banned_until = n.until
FROM unnest($1::bigint[], $2::bigint[]) AS n (id, until) WHERE user_account.id = n.id
