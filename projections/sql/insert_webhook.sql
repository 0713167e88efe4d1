-- Writes table webhook of package projections.
INSERT INTO webhook (id, url, types, personal, secret, after, start, position, added_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
