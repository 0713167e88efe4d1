-- Uses no table of roomlog.
-- Returns whether a killed rebuild has left its schema: the schema exists, and the lock of rebuilds is free. The transaction then
-- holds the lock, so that no rebuild begins.
SELECT coalesce(bool_and(has_schema_privilege(oid, 'USAGE') AND pg_try_advisory_xact_lock($2)), false) FROM pg_namespace WHERE nspname = $1
