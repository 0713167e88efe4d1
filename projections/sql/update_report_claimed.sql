-- Writes table report of package projections.
UPDATE report SET claimer = e.claimer, claimed_until = e.claimed_until
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[]) AS e (live_id, report, claimer, claimed_until)
WHERE report.live_id = e.live_id AND report.report = e.report
