DELETE FROM credential WHERE id IN (
    SELECT (payload ->> 'credential')::uuid FROM events WHERE stream = ANY ($1) AND version = 1)
