-- Uses no table of roomlog.
SELECT coalesce((SELECT description FROM pg_description d JOIN pg_namespace n ON n.oid = d.objoid
    WHERE d.classoid = 'pg_namespace'::regclass AND d.objsubid = 0 AND n.nspname = 'read'), '')
