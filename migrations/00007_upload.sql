-- Uploaded images and sounds. A deleted upload keeps its row, so that every node can find out that it has to delete the file.
-- Owner: package projections.
-- +goose Up
CREATE TABLE read.upload (
    id         text        PRIMARY KEY CHECK (id <> ''),
    user_id    bigint      NOT NULL CHECK (user_id > 0),
    bytes      bigint      NOT NULL CHECK (bytes > 0),
    added_at   timestamptz NOT NULL,
    deleted_at timestamptz
) WITH (fillfactor = 90);
CREATE INDEX upload_of_user ON read.upload (user_id);
INSERT INTO read.projection (name, version) SELECT 'uploads', 1 WHERE EXISTS (SELECT FROM read.projection);
