WITH RECURSIVE held AS (
    (SELECT process FROM viewer WHERE present ORDER BY process LIMIT 1)
    UNION ALL
    SELECT (SELECT process FROM viewer WHERE present AND process > held.process ORDER BY process LIMIT 1)
    FROM held WHERE held.process IS NOT NULL
)
SELECT process FROM held WHERE process IS NOT NULL
