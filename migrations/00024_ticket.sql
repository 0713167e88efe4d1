-- Tickets for lives, and the age that viewers of a live need. Owned by package projections.
-- +goose Up

-- Locks the checkpoint. Running projectors of an older roomlog see the new generation, compare the versions of the tables
-- again, and halt.
UPDATE checkpoint SET generation = generation + 1 WHERE consumer_group = 'projections';
UPDATE read.projection SET version = 2 WHERE name = 'access' AND version = 1;
UPDATE read.projection SET version = 5 WHERE name = 'coins' AND version = 4;
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE (SELECT format('COMMENT ON SCHEMA read IS %L', json_build_object('generation',
        coalesce((SELECT generation FROM checkpoint WHERE consumer_group = 'projections'), 0))));
END $$;
-- +goose StatementEnd

-- Lives without a row are open and have no minimum age.
ALTER TABLE read.live_access
    ADD COLUMN price   bigint NOT NULL DEFAULT 0 CHECK (price >= 0), -- of a ticket in coins; 0 unless the access is paid
    ADD COLUMN min_age int    NOT NULL DEFAULT 0 CHECK (min_age >= 0), -- in years; 0: none
    ADD CONSTRAINT live_access_price CHECK ((access = 'paid') = (price > 0));

-- Every ticket that was bought. A user has at most one ticket for a live that was not refunded.
CREATE TABLE read.ticket (
    position bigint      PRIMARY KEY CHECK (position > 0), -- of ticket.issued
    live_id  bigint      NOT NULL CHECK (live_id > 0),
    user_id  bigint      NOT NULL CHECK (user_id > 0),
    coins    bigint      NOT NULL CHECK (coins > 0), -- what the user has paid
    share    bigint      NOT NULL CHECK (share >= 0 AND share < coins), -- coins of these of the platform
    at       timestamptz NOT NULL,
    returned bigint      CHECK (returned > position), -- position of ticket.returned; NULL: not refunded
    reason   text        CHECK (reason <> ''), -- of the refund
    CHECK ((returned IS NULL) = (reason IS NULL))
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX ticket_valid ON read.ticket (live_id, user_id) WHERE returned IS NULL;
CREATE INDEX ticket_of_live ON read.ticket (live_id, position);
CREATE INDEX ticket_of_user ON read.ticket (user_id, position);
