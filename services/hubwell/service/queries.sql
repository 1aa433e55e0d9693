-- name: claim
SELECT pg_try_advisory_lock(hashtextextended('hubwell ' || %(name)s, 0))

-- name: beat
SELECT

-- name: signs_of_life
SELECT application_name, state_change FROM pg_stat_activity
WHERE datname = current_database() AND starts_with(application_name, %(prefix)s) ORDER BY 1
