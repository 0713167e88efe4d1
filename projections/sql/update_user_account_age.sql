-- Writes table user_account of package projections.
UPDATE user_account SET age = n.age FROM unnest($1::bigint[], $2::bigint[]) AS n (id, age) WHERE user_account.id = n.id
