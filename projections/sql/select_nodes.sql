-- Reads tables participant, viewer of package projections.
WITH RECURSIVE viewing AS (
    (SELECT node FROM viewer WHERE present ORDER BY node LIMIT 1)
    UNION ALL
    SELECT (SELECT node FROM viewer WHERE present AND node > viewing.node ORDER BY node LIMIT 1)
    FROM viewing WHERE viewing.node IS NOT NULL
), chatting AS (
    (SELECT node FROM participant ORDER BY node LIMIT 1)
    UNION ALL
    SELECT (SELECT node FROM participant WHERE node > chatting.node ORDER BY node LIMIT 1)
    FROM chatting WHERE chatting.node IS NOT NULL
)
SELECT node FROM viewing WHERE node IS NOT NULL
UNION
SELECT node FROM chatting WHERE node IS NOT NULL
ORDER BY node
