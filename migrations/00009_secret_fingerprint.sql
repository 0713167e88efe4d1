-- Fingerprints of the secrets that all servers on this log share. Owned by package eventstore/fingerprint.
-- +goose Up
CREATE TABLE secret_fingerprint (
    name        text        PRIMARY KEY CHECK (name <> ''),
    fingerprint bytea       NOT NULL CHECK (octet_length(fingerprint) = 32),
    changed_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
