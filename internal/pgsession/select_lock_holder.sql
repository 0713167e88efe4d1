-- Uses no table of roomlog.
-- Returns the session that holds the advisory lock $1 in this database, at most one row. The view of activities may hide all but
-- the process id and the application of sessions of other users.
SELECT l.pid, coalesce(a.application_name, ''), a.backend_start
FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.classid::bigint << 32 | l.objid::bigint = $1
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
LIMIT 1
