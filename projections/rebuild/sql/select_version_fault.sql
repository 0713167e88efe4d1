SELECT position, stream, version, before, earlier FROM (
    SELECT position, stream, version, lag(version, 1, 0) OVER versions AS before, lag(position, 1, 0::bigint) OVER versions AS earlier
    FROM events WHERE position <= $1 WINDOW versions AS (PARTITION BY stream ORDER BY version)
) e
WHERE version <> before + 1 OR position < earlier ORDER BY position LIMIT 1
