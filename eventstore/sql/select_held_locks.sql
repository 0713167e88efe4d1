-- The advisory locks of 64 bits that somebody holds in this database.
SELECT DISTINCT classid::bigint << 32 | objid::bigint
FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 1 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
