-- Uses no table of roomlog.
-- Returns the nodes that hold the lock of their name in this database. application_name contains the name.
SELECT DISTINCT substr(a.application_name, length($1) + 1)
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND starts_with(a.application_name, $1)
