-- Reads tables follow, invitation, live, live_access, moderator, ticket, user_account, viewer_ban, viewer_pass of package projections.
SELECT v.live_id, v.user_id, u.id IS NOT NULL, coalesce(u.disabled, false), coalesce(u.forgotten, false), u.banned_until, b.until,
    coalesce(a.access, 'open'), coalesce(a.min_age, 0),
    coalesce(l.user_id = v.user_id OR m.user_id IS NOT NULL OR 'operator' = ANY (u.roles), false), i.id IS NOT NULL, f.user_id IS NOT NULL,
    coalesce(p.credential <> '' AND p.credential = a.credential, false), t.user_id IS NOT NULL, coalesce(u.age, 0)
FROM unnest($1::bigint[], $2::bigint[]) AS v (live_id, user_id)
LEFT JOIN user_account u ON u.id = v.user_id
LEFT JOIN viewer_ban b ON b.live_id = v.live_id AND b.user_id = v.user_id
LEFT JOIN live_access a ON a.live_id = v.live_id
LEFT JOIN live l ON l.id = v.live_id
LEFT JOIN moderator m ON m.live_id = v.live_id AND m.user_id = v.user_id
LEFT JOIN follow f ON f.user_id = v.user_id AND f.streamer_id = l.user_id
LEFT JOIN viewer_pass p ON p.live_id = v.live_id AND p.user_id = v.user_id
LEFT JOIN ticket t ON t.live_id = v.live_id AND t.user_id = v.user_id AND t.returned IS NULL
LEFT JOIN invitation i ON i.live_id = v.live_id AND i.id = p.invitation
