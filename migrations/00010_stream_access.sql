-- Who may publish and play the stream of a live, besides the holders of signs: bans of users from a live, and publish keys.
-- Owner: package projections.
-- +goose Up

-- Locks the checkpoint, so that the INSERT below reads every event that the tables contain. Running projectors of an older
-- roomlog see the new generation, compare the versions of the tables again, and halt.
UPDATE checkpoint SET generation = generation + 1 WHERE consumer_group = 'projections';
UPDATE read.projection SET version = 2 WHERE name = 'viewers' AND version = 1;

CREATE TABLE read.viewer_ban (
    live_id bigint NOT NULL CHECK (live_id > 0),
    user_id bigint NOT NULL CHECK (user_id > 0),
    until   bigint NOT NULL CHECK (until >= 0), -- Unix seconds; 0: permanent
    PRIMARY KEY (live_id, user_id)
);
CREATE TABLE read.publish_key (
    live_id bigint      PRIMARY KEY CHECK (live_id > 0),
    hash    text        NOT NULL CHECK (hash <> ''),
    set_at  timestamptz NOT NULL
);
-- Inserts the bans that the log contains. The projector later applies again those after its position.
INSERT INTO read.viewer_ban (live_id, user_id, until)
SELECT live_id, user_id, until FROM (
    SELECT DISTINCT ON (1, 2) (payload->>'live')::bigint AS live_id, (payload->>'user')::bigint AS user_id, type, (payload->>'until')::bigint AS until
    FROM events WHERE type IN ('viewer.banned.v1', 'viewer.unbanned.v1') ORDER BY 1, 2, position DESC
) newest WHERE type = 'viewer.banned.v1';
INSERT INTO read.projection (name, version) SELECT 'stream_access', 1 WHERE EXISTS (SELECT FROM read.projection);
