-- Reads tables recording, user_account of package projections.
SELECT EXISTS (
    SELECT FROM recording r JOIN user_account u ON u.id = r.user_id
    WHERE r.live_id = $1 AND r.deleted_at IS NULL AND r.ended_at IS NOT NULL AND NOT (u.disabled OR u.forgotten) AND r.parts @> '[{}]'
)
