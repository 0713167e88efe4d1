SELECT p.id, p.username, p.nickname, p.avatar, p.disabled, p.forgotten, p.denied_until, p.roles, coalesce(c.balance, 0), p.created_at
FROM person p LEFT JOIN coin c ON c.account = 'user-' || p.id
WHERE p.id > $1 AND p.id <= $2 ORDER BY p.id LIMIT $3
