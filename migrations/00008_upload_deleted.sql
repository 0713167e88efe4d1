-- An index that finds the uploads that were deleted recently.
-- Owner: package projections.
-- +goose Up
CREATE INDEX upload_deleted ON read.upload (deleted_at) WHERE deleted_at IS NOT NULL;
