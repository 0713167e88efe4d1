-- Describes the objects of roomlog in the schemas public and read: one row for each object, with its definition. The owner of
-- all objects is the owner of the table of migrations. $1 is the serving role. It is described if the owner is a member of it.
WITH owner AS (
    SELECT relowner AS oid FROM pg_class WHERE oid = 'public.goose_db_version'::regclass
), relations AS (
    SELECT c.*, n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('public', 'read') AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relname <> 'goose_db_version'
), roles AS (
    SELECT oid, rolname::text AS name FROM pg_roles UNION ALL SELECT 0, 'everybody'
)
SELECT 'table ' || name, CASE relpersistence WHEN 'p' THEN 'permanent' WHEN 'u' THEN 'unlogged' ELSE 'temporary' END
    || CASE WHEN relkind = 'r' THEN '' ELSE ', kind ' || relkind::text END || CASE WHEN relrowsecurity THEN ', row security' ELSE '' END
    || coalesce(', ' || array_to_string(reloptions, ', '), '')
FROM relations
UNION ALL
SELECT 'owner of table ' || r.name, CASE WHEN r.relowner = o.oid THEN 'the owner' ELSE pg_get_userbyid(r.relowner)::text END FROM relations r, owner o
UNION ALL
SELECT 'owner of schema ' || n.nspname, CASE WHEN n.nspowner = o.oid THEN 'the owner' ELSE pg_get_userbyid(n.nspowner)::text END
FROM pg_namespace n, owner o WHERE n.nspname = 'read'
UNION ALL
SELECT 'column ' || r.name || '.' || a.attname, format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
    || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')
    || CASE WHEN a.attcollation <> t.typcollation THEN ' COLLATE ' || (SELECT collname FROM pg_collation WHERE oid = a.attcollation) ELSE '' END
    || CASE WHEN a.attidentity <> '' THEN ' IDENTITY' WHEN a.attgenerated <> '' THEN ' GENERATED' ELSE '' END
FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
UNION ALL
SELECT 'constraint ' || k.conname || ' of table ' || r.name, pg_get_constraintdef(k.oid) || CASE WHEN k.convalidated THEN '' ELSE ' not validated' END
FROM relations r JOIN pg_constraint k ON k.conrelid = r.oid WHERE k.contype IN ('p', 'u', 'c', 'f', 'x')
UNION ALL
SELECT 'index ' || c.relname || ' of table ' || r.name, pg_get_indexdef(i.indexrelid) || CASE WHEN i.indisvalid AND i.indisready AND i.indislive THEN '' ELSE ' invalid' END
FROM relations r JOIN pg_index i ON i.indrelid = r.oid JOIN pg_class c ON c.oid = i.indexrelid
UNION ALL
SELECT 'trigger ' || g.tgname || ' of table ' || r.name, pg_get_triggerdef(g.oid)
    || CASE g.tgenabled WHEN 'O' THEN '' WHEN 'D' THEN ' disabled' ELSE ' enabled ' || g.tgenabled::text END
FROM relations r JOIN pg_trigger g ON g.tgrelid = r.oid WHERE NOT g.tgisinternal
UNION ALL
SELECT 'rule ' || w.rulename || ' of table ' || r.name, pg_get_ruledef(w.oid) FROM relations r JOIN pg_rewrite w ON w.ev_class = r.oid WHERE r.relkind = 'r'
UNION ALL
SELECT 'policy ' || p.polname || ' of table ' || r.name, p.polcmd::text FROM relations r JOIN pg_policy p ON p.polrelid = r.oid
UNION ALL
SELECT 'function ' || n.nspname || '.' || f.proname, CASE WHEN f.prosecdef THEN 'SECURITY DEFINER ' ELSE '' END || regexp_replace(f.prosrc, '\s+', ' ', 'g')
    || CASE WHEN f.proowner = o.oid THEN '' ELSE ' owner ' || pg_get_userbyid(f.proowner) END
FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace, owner o WHERE n.nspname IN ('public', 'read')
UNION ALL
SELECT format('privilege %s of %s on table %s', a.privilege_type, g.name, r.name), CASE WHEN a.is_grantable THEN 'with grant option' ELSE 'granted' END
FROM relations r, owner o, aclexplode(r.relacl) a JOIN roles g ON g.oid = a.grantee WHERE a.grantee NOT IN (o.oid, r.relowner)
UNION ALL
SELECT format('privilege %s of %s on column %s.%s', a.privilege_type, g.name, r.name, c.attname), CASE WHEN a.is_grantable THEN 'with grant option' ELSE 'granted' END
FROM relations r JOIN pg_attribute c ON c.attrelid = r.oid, owner o, aclexplode(c.attacl) a JOIN roles g ON g.oid = a.grantee
WHERE a.grantee NOT IN (o.oid, r.relowner)
UNION ALL
SELECT format('privilege %s of %s on schema %s', a.privilege_type, g.name, n.nspname), CASE WHEN a.is_grantable THEN 'with grant option' ELSE 'granted' END
FROM pg_namespace n, owner o, aclexplode(n.nspacl) a JOIN roles g ON g.oid = a.grantee
WHERE n.nspname IN ('public', 'read') AND a.grantee NOT IN (o.oid, n.nspowner) AND (a.grantee <> 0 OR n.nspname <> 'public' OR a.privilege_type <> 'USAGE' AND current_setting('server_version_num')::int >= 150000)
UNION ALL
SELECT 'default privileges in schema ' || coalesce(n.nspname, '(all)'), array_to_string(d.defaclacl, ', ')
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace WHERE n.nspname IS NULL OR n.nspname IN ('public', 'read')
UNION ALL
-- --require-synchronous needs the right to see standbys. It only reads, so the role may have it.
SELECT 'role ' || rolname, concat_ws(', ', CASE WHEN rolcanlogin THEN 'login' ELSE 'no login' END, CASE WHEN rolsuper THEN 'superuser' END, CASE WHEN rolcreaterole THEN 'creates roles' END,
    CASE WHEN rolcreatedb THEN 'creates databases' END, CASE WHEN rolbypassrls THEN 'bypasses row security' END, CASE WHEN rolreplication THEN 'replicates' END,
    (SELECT 'member of ' || string_agg(pg_get_userbyid(roleid), ', ' ORDER BY roleid) FROM pg_auth_members WHERE member = pg_roles.oid AND roleid <> 'pg_read_all_stats'::regrole))
FROM pg_roles, owner o WHERE rolname = $1 AND pg_has_role(o.oid, pg_roles.oid, 'MEMBER')
UNION ALL
-- Owners of other databases are members as well if other roomlogs use this PostgreSQL. Since PostgreSQL 16 somebody who may only
-- grant a role is a member, too.
SELECT 'member ' || m.rolname || ' of role ' || s.rolname, 'may log in'
FROM pg_roles s, owner o, pg_roles m WHERE s.rolname = $1 AND m.rolcanlogin AND NOT m.rolsuper AND m.oid <> o.oid
    AND has_database_privilege(m.oid, current_database(), 'CONNECT') AND NOT EXISTS (SELECT FROM pg_database WHERE datdba = m.oid)
    AND CASE WHEN current_setting('server_version_num')::int >= 160000 THEN pg_has_role(m.oid, s.oid, 'USAGE') OR pg_has_role(m.oid, s.oid, 'SET')
        ELSE pg_has_role(m.oid, s.oid, 'MEMBER') END
UNION ALL
-- Queries of a table return the rows of its children, and an update of a table updates its children.
SELECT format('child %s.%s of table %s', n.nspname, c.relname, r.name), 'inherits'
FROM relations r JOIN pg_inherits i ON i.inhparent = r.oid JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
UNION ALL
SELECT format('parent %s.%s of table %s', n.nspname, c.relname, r.name), 'inherits'
FROM relations r JOIN pg_inherits i ON i.inhrelid = r.oid JOIN pg_class c ON c.oid = i.inhparent JOIN pg_namespace n ON n.oid = c.relnamespace
UNION ALL
-- Any other value disables the triggers. The owner, the database or the configuration may have set it.
SELECT 'setting session_replication_role', current_setting('session_replication_role')
ORDER BY 1
