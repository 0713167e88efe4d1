-- Writes table user_account of package projections.
UPDATE user_account SET disabled = n.disabled
FROM unnest($1::bigint[], $2::bool[]) AS n (id, disabled) WHERE user_account.id = n.id
