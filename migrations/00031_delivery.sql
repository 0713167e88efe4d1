-- How many connections have received the pushes of gifts, which is not in the log. Owned by package projections/delivery.
-- +goose Up

-- One row for each gift whose push was written to a connection. The numbers only grow, and are lower bounds. Rows are deleted 90 days
-- after the gift. A write that was lost can leave fewer connections than have acknowledged, so readers cut each number to the one that
-- contains it. The tables cannot check this: PostgreSQL checks the row of an upsert, which contains increases, before it finds the conflict.
CREATE TABLE gift_delivery (
    position              bigint      NOT NULL CHECK (position > 0), -- of the gift
    event_id              uuid        NOT NULL, -- of the gift
    sent_at               timestamptz NOT NULL, -- when the gift was sent
    sent                  bigint      NOT NULL CHECK (sent >= 0), -- connections to which the push was written
    acknowledged          bigint      NOT NULL CHECK (acknowledged >= 0), -- connections that have acknowledged it
    streamer_sent         bigint      NOT NULL CHECK (streamer_sent >= 0), -- of these, connections of the streamer
    streamer_acknowledged bigint      NOT NULL CHECK (streamer_acknowledged >= 0),
    PRIMARY KEY (position, event_id)
);

-- Sums of the numbers of all gifts in a live, also of those whose rows were deleted.
CREATE TABLE live_delivery (
    live_id               bigint PRIMARY KEY CHECK (live_id > 0),
    gifts                 bigint NOT NULL CHECK (gifts >= 0), -- gifts whose push was written to a connection
    sent                  bigint NOT NULL CHECK (sent >= 0),
    acknowledged          bigint NOT NULL CHECK (acknowledged >= 0),
    streamer_sent         bigint NOT NULL CHECK (streamer_sent >= 0),
    streamer_acknowledged bigint NOT NULL CHECK (streamer_acknowledged >= 0)
);
