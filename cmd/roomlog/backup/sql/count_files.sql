-- Reads tables recording, upload of package projections.
-- Returns the numbers of uploads and of finished recordings that are not deleted.
SELECT (SELECT count(*)::int FROM read.upload WHERE deleted_at IS NULL),
       (SELECT count(*)::int FROM read.recording WHERE deleted_at IS NULL AND ended_at IS NOT NULL)
