-- Uses no table of roomlog.
-- Whether a killed rebuild has left its schema. The lock is free then, and stays with this transaction, so that no rebuild begins.
SELECT coalesce(bool_and(has_schema_privilege(oid, 'USAGE') AND pg_try_advisory_xact_lock($2)), false) FROM pg_namespace WHERE nspname = $1
