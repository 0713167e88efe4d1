-- Reads tables comment, gift, live, message, upload, user_account of package projections.
WITH used AS (
    SELECT substring(text FROM '/uploads/([0-9a-f]{32}[.][a-z0-9]{3,4})') AS id
    FROM (
        SELECT avatar AS text FROM user_account
        UNION ALL SELECT cover FROM live
        UNION ALL SELECT image FROM gift
        UNION ALL SELECT text FROM message
        UNION ALL SELECT text FROM comment
    ) AS texts
    WHERE text LIKE '%/uploads/%'
)
SELECT id, user_id, bytes, added_at, false
FROM upload u
WHERE deleted_at IS NULL AND added_at < $1 AND NOT EXISTS (SELECT FROM used WHERE used.id = u.id)
ORDER BY added_at, id
LIMIT $2
