-- Targets to which the broadcasts of lives are pushed on. Owned by package projections.
-- +goose Up

-- Locks the checkpoint. Running projectors of an older roomlog see the new generation, compare the versions of the tables
-- again, and halt.
UPDATE checkpoint SET generation = generation + 1 WHERE consumer_group = 'projections';
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE (SELECT format('COMMENT ON SCHEMA read IS %L', json_build_object('generation',
        coalesce((SELECT generation FROM checkpoint WHERE consumer_group = 'projections'), 0))));
END $$;
-- +goose StatementEnd

-- Targets of lives that have not ended, and whose owner was not forgotten.
CREATE TABLE read.restream (
    live_id bigint      NOT NULL CHECK (live_id > 0),
    target  text        NOT NULL CHECK (target <> ''), -- name of the target in the live
    user_id bigint      NOT NULL CHECK (user_id > 0), -- the owner of the live
    url     text        NOT NULL CHECK (url <> ''), -- without the stream key
    secret  text        NOT NULL CHECK (secret <> ''), -- the stream key, sealed with a secret that the database does not contain
    set_at  timestamptz NOT NULL,
    PRIMARY KEY (live_id, target)
);
CREATE INDEX restream_of_user ON read.restream (user_id);
INSERT INTO read.projection (name, version) SELECT 'restreams', 1 WHERE EXISTS (SELECT FROM read.projection);
