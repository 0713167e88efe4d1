-- Uses no table of roomlog.
SELECT c.relname, k.conname, pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE c.relnamespace = $1::regnamespace AND k.contype IN ('p', 'u') ORDER BY c.relname, k.contype, k.conname
