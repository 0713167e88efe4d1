SELECT r.id FROM recording r JOIN person p ON p.id = r.user_id
WHERE r.id = ANY ($1::text[]) AND (r.deleted_at IS NOT NULL OR p.forgotten)
