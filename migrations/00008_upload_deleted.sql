-- Finds the uploads that were deleted lately.
-- Owner: package projections.
-- +goose Up
CREATE INDEX upload_deleted ON read.upload (deleted_at) WHERE deleted_at IS NOT NULL;
