-- Reads table webhook of package projections.
SELECT id, url, types, personal, secret, renewed_at, after, start, position, added_at FROM webhook ORDER BY id
