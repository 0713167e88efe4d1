-- Reads tables recording, user_account of package projections.
SELECT r.id FROM recording r JOIN user_account u ON u.id = r.user_id
WHERE r.id = ANY ($1::text[]) AND (r.deleted_at IS NOT NULL OR u.forgotten)
