-- Uses no table of roomlog.
SELECT nspname, coalesce(obj_description(oid, 'pg_namespace'), '{}') FROM pg_namespace
WHERE nspname ~ '^read_old_[0-9]+$' ORDER BY length(nspname), nspname
