-- Reads tables comment, gift, live, message, upload, user_account of package projections.
-- A text may refer to several uploads. If there is no candidate, the statement reads no text.
WITH candidate AS MATERIALIZED (
    SELECT id, user_id, bytes, added_at, left(id, 32) AS name FROM upload WHERE deleted_at IS NULL AND added_at < $1
), used AS (
    SELECT found.parts[1] AS name
    FROM (
        SELECT avatar AS text FROM user_account
        UNION ALL SELECT cover FROM live
        UNION ALL SELECT image FROM gift
        UNION ALL SELECT text FROM message
        UNION ALL SELECT text FROM comment
    ) AS texts
    CROSS JOIN LATERAL regexp_matches(text, '/uploads/([0-9a-f]{32})', 'g') AS found (parts)
    WHERE text LIKE '%/uploads/%' AND EXISTS (SELECT FROM candidate)
)
SELECT id, user_id, bytes, added_at, false
FROM candidate c
WHERE NOT EXISTS (SELECT FROM used WHERE used.name = c.name)
ORDER BY added_at, id
LIMIT $2
