-- Uses no table of roomlog.
-- Returns one row: whether the database is a standby, and the session that holds the advisory lock with a key below 2^32: its process
-- id, its virtual transaction and its application. They are NULL if no session holds the lock. The view of activities may hide the
-- application of other users.
SELECT pg_is_in_recovery(), l.pid, l.virtualtransaction, a.application_name
FROM (VALUES (1)) AS one (row)
LEFT JOIN pg_locks l ON l.locktype = 'advisory' AND l.granted AND l.classid = 0 AND l.objid = $1::bigint::oid AND l.objsubid = 1
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
LEFT JOIN pg_stat_activity a ON a.pid = l.pid
LIMIT 1
