-- Who may be in lives: their access, invitations, and the users who were let in. Owned by package projections.
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

-- Lives without a row are open.
CREATE TABLE read.live_access (
    live_id    bigint PRIMARY KEY CHECK (live_id > 0),
    access     text   NOT NULL CHECK (access <> ''),
    credential text   NOT NULL -- id of the password hash; '': none
);
CREATE INDEX live_access_hidden ON read.live_access (live_id) WHERE access IN ('unlisted', 'invited');
CREATE INDEX live_access_credential ON read.live_access (credential) WHERE credential <> '';
CREATE TABLE read.invitation (
    live_id    bigint NOT NULL CHECK (live_id > 0),
    id         bigint NOT NULL CHECK (id > 0), -- counts the invitations of the live
    uses       bigint NOT NULL CHECK (uses > 0),
    used       bigint NOT NULL CHECK (used >= 0 AND used <= uses),
    until      bigint NOT NULL CHECK (until >= 0), -- Unix seconds; 0: no end
    PRIMARY KEY (live_id, id)
);
-- The newest password and the newest invitation with which a user was let into a live.
CREATE TABLE read.viewer_pass (
    live_id    bigint NOT NULL CHECK (live_id > 0),
    user_id    bigint NOT NULL CHECK (user_id > 0),
    credential text   NOT NULL, -- '': none
    invitation bigint NOT NULL CHECK (invitation >= 0), -- 0: none
    PRIMARY KEY (live_id, user_id)
);
INSERT INTO read.projection (name, version) SELECT 'access', 1 WHERE EXISTS (SELECT FROM read.projection);
