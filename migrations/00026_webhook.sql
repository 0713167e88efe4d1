-- Webhooks of operators. Owned by package projections.
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

-- The webhooks that exist.
CREATE TABLE read.webhook (
    id         text        PRIMARY KEY CHECK (id <> ''),
    url        text        NOT NULL CHECK (url <> ''),
    types      text[]      NOT NULL, -- types and prefixes; empty: all events
    personal   boolean     NOT NULL,
    secret     bigint      NOT NULL CHECK (secret > 0), -- number of the secret, which is not stored
    renewed_at timestamptz, -- when the secret was replaced; NULL: never
    after      bigint      NOT NULL CHECK (after >= 0), -- position after which it starts
    start      uuid        NOT NULL, -- id of the event that has set after
    position   bigint      NOT NULL CHECK (position > 0), -- of webhook.added
    added_at   timestamptz NOT NULL
);
INSERT INTO read.projection (name, version) SELECT 'webhooks', 1 WHERE EXISTS (SELECT FROM read.projection);
