-- The platform's share of gifts, and payouts of earnings. Owned by package projections.
-- +goose Up

-- Locks the checkpoint. Running projectors of an older roomlog see the new generation, compare the versions of the tables again,
-- and halt.
UPDATE checkpoint SET generation = generation + 1 WHERE consumer_group = 'projections';
UPDATE read.projection SET version = 3 WHERE name = 'sent_gifts' AND version = 2;
UPDATE read.projection SET version = 4 WHERE name = 'coins' AND version = 3;

-- share is the number of coins of the gift that the platform has received. Gifts before the first rule have none.
ALTER TABLE read.gift_record ADD COLUMN share bigint NOT NULL DEFAULT 0, ADD CONSTRAINT gift_record_share_check CHECK (share >= 0 AND share < coins);

-- The rules that split gifts between the streamer and the platform. A rule holds for the gifts after its position; the event
-- there contains who has set it.
CREATE TABLE read.share_rule (
    rule         bigint      PRIMARY KEY CHECK (rule > 0),
    basis_points int         NOT NULL CHECK (basis_points BETWEEN 0 AND 9999), -- hundredths of a percent
    reason       text        NOT NULL CHECK (reason <> ''),
    position     bigint      NOT NULL UNIQUE,
    at           timestamptz NOT NULL
);
INSERT INTO read.projection (name, version) SELECT 'share_rules', 1 WHERE EXISTS (SELECT FROM read.projection);

-- Payouts of earnings. status: held (not paid yet), paid_out, void. The events at the positions contain who has acted.
CREATE TABLE read.payout (
    id           text        PRIMARY KEY CHECK (id <> ''),
    streamer     bigint      NOT NULL CHECK (streamer > 0),
    coins        bigint      NOT NULL CHECK (coins > 0),
    status       text        NOT NULL CHECK (status IN ('held', 'paid_out', 'void')),
    reason       text        NOT NULL CHECK (reason <> ''),
    position     bigint      NOT NULL UNIQUE, -- of the request
    requested_at timestamptz NOT NULL,
    note         text        CHECK (note <> ''), -- reference of the payment, or reason of the void
    decided      bigint      CHECK (decided > position),
    decided_at   timestamptz,
    CHECK ((status = 'held') = (decided IS NULL) AND (decided IS NULL) = (note IS NULL) AND (decided IS NULL) = (decided_at IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX payout_of_streamer ON read.payout (streamer, position);
CREATE INDEX payout_held ON read.payout (position) WHERE status = 'held';
INSERT INTO read.projection (name, version) SELECT 'payouts', 1 WHERE EXISTS (SELECT FROM read.projection);

-- The comment on schema read contains the generation of its tables.
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE (SELECT format('COMMENT ON SCHEMA read IS %L', json_build_object('generation',
        coalesce((SELECT generation FROM checkpoint WHERE consumer_group = 'projections'), 0))));
END $$;
-- +goose StatementEnd
