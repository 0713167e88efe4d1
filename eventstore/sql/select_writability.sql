-- Uses no table of roomlog.
-- Returns one row: whether the database is a standby; the session that holds the advisory lock with the key $1, which is below 2^32;
-- the session that blocks writes to a table of $2; a table of $2 that this role may not write. A session is its process id, its
-- virtual transaction and its application, or NULL. A lock that is waited for blocks writes as well; the session is then the one
-- that holds it. The view of activities may hide the application of other users.
WITH written AS (
    SELECT name, to_regclass(name) AS id FROM unnest($2::text[]) AS name
), here AS (
    SELECT oid FROM pg_database WHERE datname = current_database()
)
SELECT pg_is_in_recovery(), log.pid, log.virtualtransaction, log.application_name,
    blocked.pid, blocked.virtualtransaction, blocked.application_name, blocked.name,
    (SELECT name FROM written WHERE id IS NULL OR NOT (has_table_privilege(id, 'SELECT') AND has_table_privilege(id, 'INSERT')
        AND (name = 'events' OR has_table_privilege(id, 'DELETE'))) LIMIT 1)
FROM here
LEFT JOIN LATERAL (
    SELECT l.pid, l.virtualtransaction, a.application_name
    FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 0 AND l.objid = $1::bigint::oid AND l.objsubid = 1 AND l.database = here.oid
    LIMIT 1
) log ON true
LEFT JOIN LATERAL (
    SELECT h.pid, l.virtualtransaction, a.application_name, w.name
    FROM pg_locks l JOIN written w ON w.id = l.relation
    CROSS JOIN LATERAL (SELECT CASE WHEN l.granted THEN l.pid ELSE coalesce((pg_blocking_pids(l.pid))[1], l.pid) END AS pid) h
    LEFT JOIN pg_stat_activity a ON a.pid = h.pid
    WHERE l.locktype = 'relation' AND l.database = here.oid AND l.pid <> pg_backend_pid()
        AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
    ORDER BY l.granted DESC, l.pid
    LIMIT 1
) blocked ON true
