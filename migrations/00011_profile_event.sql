-- An index that finds the event with the current profile of a user, however many events the stream of the user has. Owned by
-- package eventstore.
-- +goose Up
CREATE INDEX events_profile ON events (stream, version) WHERE type IN ('user.registered.v1', 'user.profile_changed.v1');
