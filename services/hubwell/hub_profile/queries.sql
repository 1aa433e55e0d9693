-- name: profile
SELECT hub_name, zone, language, colour, assembly_point, privacy_contact FROM hub_profile

-- name: milestones
SELECT restore_proven_at, grafana_seen_at, no_grafana_since FROM hub_profile

-- name: lock_profile
INSERT INTO hub_profile (only_one) VALUES (true) ON CONFLICT (only_one) DO UPDATE SET only_one = true

-- name: set_profile
UPDATE hub_profile SET hub_name = %(hub_name)s, zone = %(zone)s, language = %(language)s, colour = %(colour)s,
    assembly_point = %(assembly_point)s, privacy_contact = %(privacy_contact)s

-- name: set_restore_proven
UPDATE hub_profile SET restore_proven_at = greatest(restore_proven_at, %(at)s)

-- name: set_no_grafana
UPDATE hub_profile SET no_grafana_since = %(since)s

-- name: grafana_connected
-- Other roles' sessions show their name to everybody, and no more.
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE usename = %(role)s AND datname = current_database())

-- name: set_grafana_seen
INSERT INTO hub_profile (grafana_seen_at) VALUES (%(now)s)
ON CONFLICT (only_one) DO UPDATE SET grafana_seen_at = excluded.grafana_seen_at
WHERE hub_profile.grafana_seen_at IS NULL
