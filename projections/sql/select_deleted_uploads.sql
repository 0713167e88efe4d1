-- Reads table upload of package projections.
SELECT id FROM upload WHERE deleted_at >= $1
