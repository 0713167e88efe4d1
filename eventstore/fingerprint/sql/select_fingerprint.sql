-- Reads table secret_fingerprint of package eventstore/fingerprint.
SELECT fingerprint FROM secret_fingerprint WHERE name = $1 FOR UPDATE
