WITH RECURSIVE held AS (
    (SELECT process FROM viewer WHERE present ORDER BY process LIMIT 1)
    UNION ALL
    SELECT (SELECT process FROM viewer WHERE present AND process > held.process ORDER BY process LIMIT 1)
    FROM held WHERE held.process IS NOT NULL
), chatting AS (
    (SELECT process FROM guest ORDER BY process LIMIT 1)
    UNION ALL
    SELECT (SELECT process FROM guest WHERE process > chatting.process ORDER BY process LIMIT 1)
    FROM chatting WHERE chatting.process IS NOT NULL
)
SELECT process FROM held WHERE process IS NOT NULL
UNION
SELECT process FROM chatting WHERE process IS NOT NULL
ORDER BY process
