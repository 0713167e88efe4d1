-- Writes table report of package projections.
UPDATE report SET decision = e.decision, decided = e.decided
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[]) AS e (live_id, report, decision, decided)
WHERE report.live_id = e.live_id AND report.report = e.report
