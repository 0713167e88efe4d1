-- Who follows whom, and the number of followers of each streamer. Owned by package projections.
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

CREATE TABLE read.follow (
    user_id     bigint NOT NULL CHECK (user_id > 0), -- the follower
    streamer_id bigint NOT NULL CHECK (streamer_id > 0 AND streamer_id <> user_id),
    position    bigint NOT NULL CHECK (position > 0), -- of the event; orders the lists
    since       bigint NOT NULL CHECK (since > 0), -- Unix seconds
    PRIMARY KEY (user_id, streamer_id)
);
CREATE INDEX follow_of_streamer ON read.follow (streamer_id, position);
CREATE TABLE read.follower_count (
    streamer_id bigint PRIMARY KEY CHECK (streamer_id > 0),
    followers   bigint NOT NULL CHECK (followers >= 0)
);
INSERT INTO read.projection (name, version) SELECT 'follows', 1 WHERE EXISTS (SELECT FROM read.projection);
