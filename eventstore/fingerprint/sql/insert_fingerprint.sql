-- Writes table secret_fingerprint of package eventstore/fingerprint.
INSERT INTO secret_fingerprint (name, fingerprint) VALUES ($1, $2) ON CONFLICT DO NOTHING
