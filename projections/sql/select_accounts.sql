-- Reads tables coin, session, user_account of package projections.
SELECT u.id, u.username, u.nickname, u.avatar, u.disabled, u.forgotten, u.banned_until, u.roles, u.age, coalesce(c.balance, 0), u.created_at,
    coalesce(s.session, '')
FROM unnest($1::bigint[]) AS w (id)
JOIN user_account u ON u.id = w.id
LEFT JOIN coin c ON c.account = 'user-' || w.id
LEFT JOIN session s ON s.user_id = w.id
