-- Writes table secret_fingerprint of package eventstore/fingerprint.
UPDATE secret_fingerprint SET fingerprint = $2, changed_at = clock_timestamp() WHERE name = $1
