-- Who keeps order in lives: moderators, modes, and the positions of the acts of moderators. Owner: package projections.
-- +goose Up

-- Locks the checkpoint, so that the INSERT below reads every event that the tables contain. Running projectors of an older
-- roomlog see the new generation, compare the versions of the tables again, and halt.
UPDATE checkpoint SET generation = generation + 1 WHERE consumer_group = 'projections';
UPDATE read.projection SET version = 2 WHERE name = 'comments' AND version = 1;
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE (SELECT format('COMMENT ON SCHEMA read IS %L', json_build_object('generation',
        coalesce((SELECT generation FROM checkpoint WHERE consumer_group = 'projections'), 0))));
END $$;
-- +goose StatementEnd

CREATE TABLE read.moderator (
    live_id  bigint NOT NULL CHECK (live_id > 0),
    user_id  bigint NOT NULL CHECK (user_id > 0),
    position bigint NOT NULL CHECK (position > 0), -- of the appointment
    PRIMARY KEY (live_id, user_id)
);
CREATE TABLE read.live_mode (
    live_id bigint NOT NULL CHECK (live_id > 0),
    mode    text   NOT NULL CHECK (mode <> ''),
    value   bigint NOT NULL CHECK (value > 0),
    until   bigint NOT NULL CHECK (until >= 0), -- Unix seconds; 0: permanent
    PRIMARY KEY (live_id, mode)
);
-- Acts of moderators. The event at the position contains who did what and why, so that erased texts stay erased.
CREATE TABLE read.moderation_act (
    live_id  bigint NOT NULL CHECK (live_id > 0),
    position bigint NOT NULL CHECK (position > 0),
    user_id  bigint NOT NULL CHECK (user_id >= 0), -- the user concerned; 0: everybody in the live
    PRIMARY KEY (live_id, position)
);
CREATE INDEX moderation_act_of_user ON read.moderation_act (user_id, live_id, position);

-- Inserts the acts that the log contains. The projector later applies again those after its position.
INSERT INTO read.moderation_act (live_id, position, user_id)
SELECT live_id, position, (payload->>'user')::bigint FROM events
WHERE type IN ('viewer.banned.v1', 'viewer.unbanned.v1')
    AND position <= (SELECT position FROM checkpoint WHERE consumer_group = 'projections');
INSERT INTO read.projection (name, version) SELECT 'moderation', 1 WHERE EXISTS (SELECT FROM read.projection);
