-- Uses no table of roomlog.
-- Returns why this session cannot read a table of $1, at most one row: the table, whether this role may read it (NULL if it is missing),
-- and the session that holds or first waits for a lock that blocks readers, or 0. The view of activities may hide all but the process id
-- and the application of sessions of other users.
WITH wanted AS (
    SELECT name, to_regclass(name) AS id FROM unnest($1::text[]) AS name
)
SELECT w.name, has_table_privilege(w.id, 'SELECT'), coalesce(h.pid, 0), coalesce(a.application_name, ''), a.backend_start
FROM wanted w
LEFT JOIN LATERAL (
    SELECT CASE WHEN l.granted THEN l.pid ELSE coalesce((pg_blocking_pids(l.pid))[1], l.pid) END AS pid
    FROM pg_locks l
    WHERE l.locktype = 'relation' AND l.relation = w.id AND l.mode = 'AccessExclusiveLock' AND l.pid <> pg_backend_pid()
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ORDER BY l.granted DESC, l.pid
    LIMIT 1
) h ON true
LEFT JOIN pg_stat_activity a ON a.pid = h.pid
WHERE w.id IS NULL OR NOT has_table_privilege(w.id, 'SELECT') OR h.pid IS NOT NULL
LIMIT 1
