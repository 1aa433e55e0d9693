-- The rows of this package's tables that could hold something of a person, though none is meant to; they are searched
-- only. See people/erasure.sql.

-- name: event
FROM event WHERE EXISTS (SELECT FROM unnest(%(words)s::text[]) word WHERE position(word IN payload::text) > 0)

-- name: delivery
FROM delivery WHERE EXISTS (SELECT FROM unnest(%(words)s::text[]) word WHERE position(word IN last_error) > 0)

-- name: procrastinate_jobs
FROM procrastinate_jobs
WHERE EXISTS (SELECT FROM unnest(%(words)s::text[]) word WHERE position(word IN args::text) > 0)
