-- Writes table user_account of package projections.
WITH news AS (
    SELECT id, array_agg(role) FILTER (WHERE granted) AS granted, array_agg(role) AS named
    FROM unnest($1::bigint[], $2::text[], $3::bool[]) AS n (id, role, granted) GROUP BY id
)
UPDATE user_account SET roles = ARRAY(
    SELECT role FROM unnest(roles) AS role WHERE role <> ALL (news.named)
    UNION SELECT unnest(news.granted) ORDER BY 1)
FROM news WHERE user_account.id = news.id
