-- What the hub says of itself, as administrators set it in the browser: each column the setting of its name, null where
-- none was chosen. What the installation's environment sets comes before it.
CREATE TABLE hub_profile (
    only_one          boolean PRIMARY KEY DEFAULT true CONSTRAINT hub_profile_once CHECK (only_one),
    hub_name          text CONSTRAINT hub_profile_name_short CHECK (length(hub_name) BETWEEN 1 AND 60),
    zone              text CONSTRAINT hub_profile_zone_short CHECK (length(zone) BETWEEN 1 AND 100),
    language          text CONSTRAINT hub_profile_language_known
                      CHECK (language IN ('en', 'it', 'fi', 'et', 'lv', 'nl')),
    colour            text CONSTRAINT hub_profile_colour_written CHECK (colour ~ '^#[0-9a-f]{6}$'),
    assembly_point    text CONSTRAINT hub_profile_place_short CHECK (length(assembly_point) BETWEEN 1 AND 150),
    privacy_contact   text CONSTRAINT hub_profile_contact_short CHECK (length(privacy_contact) BETWEEN 1 AND 300),
    restore_proven_at timestamptz,
    grafana_seen_at   timestamptz,
    no_grafana_since  timestamptz
);

COMMENT ON COLUMN hub_profile.restore_proven_at IS 'when a backup of this hub was last restored with success';
COMMENT ON COLUMN hub_profile.grafana_seen_at IS 'when the account of Grafana was first seen in this database';
COMMENT ON COLUMN hub_profile.no_grafana_since IS 'when an administrator said that the hub does not use Grafana';
