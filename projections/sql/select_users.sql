-- Reads tables coin, user_account of package projections.
SELECT u.id, u.username, u.nickname, u.avatar, u.disabled, u.forgotten, u.banned_until, u.roles, u.age, coalesce(c.balance, 0), u.created_at
FROM user_account u LEFT JOIN coin c ON c.account = 'user-' || u.id
WHERE u.id > $1 AND u.id <= $2 ORDER BY u.id LIMIT $3
