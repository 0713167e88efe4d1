-- Writes table webhook of package projections.
UPDATE webhook SET url = $2, types = $3, personal = $4, secret = $5,
    renewed_at = CASE WHEN secret = $5 THEN renewed_at ELSE $6 END
WHERE id = $1
