-- Writes table report_entry of package projections.
UPDATE report_entry SET text = 'erased' WHERE user_id = ANY ($1)
