-- Writes table user_account of package projections.
UPDATE user_account SET nickname = n.nickname, avatar = n.avatar
FROM unnest($1::bigint[], $2::text[], $3::text[]) AS n (id, nickname, avatar) WHERE user_account.id = n.id
