SELECT nspname FROM pg_namespace WHERE nspname ~ '^read_old_[0-9]+$' ORDER BY 1
