-- Coins that are closed because of an event that cannot be applied, and checksums of snapshots. The tables in schema read belong to
-- package projections, table snapshot to package eventstore.
-- +goose Up

-- Snapshots get a checksum with a key that is not in the database. Older snapshots have none; they are made again when needed.
DELETE FROM snapshot;
ALTER TABLE snapshot ADD COLUMN checksum bytea NOT NULL;

-- The position of the event that set the poison event aside; NULL: the poison event is not resolved.
ALTER TABLE read.poison ADD COLUMN set_aside bigint;

-- The users whose coins are closed, and the events that close them. user_id 0: the coins of everybody.
CREATE TABLE read.coin_hold (
    user_id  bigint NOT NULL CHECK (user_id >= 0),
    position bigint NOT NULL CHECK (position > 0),
    PRIMARY KEY (user_id, position)
);

-- Coin events that wait, because the coins of their user were closed by an earlier event.
CREATE TABLE read.coin_held (
    user_id  bigint NOT NULL CHECK (user_id > 0),
    position bigint NOT NULL CHECK (position > 0),
    PRIMARY KEY (user_id, position)
);

-- The closings of coins that are in the log, as coin_hold has them. They differ only for the moment until coins.closed or
-- coins.opened is appended.
CREATE TABLE read.coin_closing (
    user_id  bigint NOT NULL CHECK (user_id >= 0),
    position bigint NOT NULL CHECK (position > 0),
    PRIMARY KEY (user_id, position)
);
INSERT INTO read.projection (name, version) SELECT 'coin_closings', 1 WHERE EXISTS (SELECT FROM read.projection);
UPDATE read.projection SET version = 2 WHERE name = 'coins' AND version = 1;
