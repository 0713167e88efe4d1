SELECT r.id, r.live_id, l.key, r.began_at, r.ended_at, r.reason, r.length_ms, r.bytes, r.parts
FROM recording r JOIN live l ON l.id = r.live_id JOIN person p ON p.id = r.user_id
WHERE r.deleted_at IS NULL AND NOT (p.disabled OR p.forgotten)
