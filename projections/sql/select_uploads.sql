-- Reads table upload of package projections.
SELECT id, user_id, bytes, added_at, deleted_at IS NOT NULL FROM upload WHERE id = ANY ($1::text[])
