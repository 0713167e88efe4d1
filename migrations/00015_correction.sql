-- Corrections of balances. Owned by package projections.
-- +goose Up

UPDATE checkpoint SET generation = generation + 1 WHERE consumer_group = 'projections';

-- status: open (waits for an approval), booked (the coins have moved), rejected.
CREATE TABLE read.correction (
    id          bigint      PRIMARY KEY CHECK (id > 0),
    account     text        NOT NULL CHECK (account <> ''),
    user_id     bigint      NOT NULL CHECK (user_id > 0),
    coins       bigint      NOT NULL CHECK (coins <> 0),
    proposer    text        NOT NULL CHECK (proposer <> ''),
    reason      text        NOT NULL CHECK (reason <> ''),
    proposed_at timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    status      text        NOT NULL CHECK (status IN ('open', 'booked', 'rejected'))
) WITH (fillfactor = 80);
CREATE INDEX correction_open ON read.correction (id) WHERE status = 'open';
INSERT INTO read.projection (name, version) SELECT 'corrections', 1 WHERE EXISTS (SELECT FROM read.projection);

-- The comment on schema read contains the generation of its tables.
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE (SELECT format('COMMENT ON SCHEMA read IS %L', json_build_object('generation',
        coalesce((SELECT generation FROM checkpoint WHERE consumer_group = 'projections'), 0))));
END $$;
-- +goose StatementEnd
