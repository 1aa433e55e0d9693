-- name: view_grants
-- The privileges on views as GRANT statements, without the owner's own, which come with each view.
SELECT c.relname,
       format(
           'GRANT %%s ON %%I TO %%s%%s',
           a.privilege_type,
           c.relname,
           CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
           CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
       )
FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
WHERE c.relkind = 'v' AND c.relnamespace = current_schema()::regnamespace
  AND c.relname = ANY(%(views)s) AND a.grantee <> c.relowner;
