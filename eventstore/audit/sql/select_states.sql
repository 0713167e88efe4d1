-- Uses no table of roomlog.
SELECT stream, version, unknown, state FROM audit_state WHERE stream = ANY ($1)
