-- Screens on a wall, at a door or beside a reader: paired once by a code, they open what was chosen for them and
-- nothing else.
CREATE TABLE screen (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name         text NOT NULL CONSTRAINT screen_name_short CHECK (length(name) BETWEEN 1 AND 60),
    shows        text NOT NULL CONSTRAINT screen_shows_known CHECK (shows IN ('wall', 'panel', 'kiosk')),
    space_id     hub_id REFERENCES space,
    device_id    hub_id REFERENCES device,
    reader       hub_id,
    token_hash   bytea NOT NULL CONSTRAINT screen_token_once UNIQUE
                 CONSTRAINT screen_token_is_sha256 CHECK (octet_length(token_hash) = 32),
    seal_key     bytea CONSTRAINT screen_seal_key_is_x25519 CHECK (octet_length(seal_key) = 32),
    paired_at    timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    CONSTRAINT screen_shows_one_thing CHECK (
        (shows = 'panel') = (space_id IS NOT NULL)
        AND (shows = 'kiosk') = (device_id IS NOT NULL AND reader IS NOT NULL)
        AND (device_id IS NULL) = (reader IS NULL)
    )
);
CREATE UNIQUE INDEX screen_one_name ON screen (lower(btrim(name)));
CREATE INDEX screen_reader ON screen (device_id, reader);
COMMENT ON COLUMN screen.seal_key IS 'public half of a key that the API process holds in memory: answers are sealed to it';
COMMENT ON COLUMN screen.expires_at IS 'moves on with each use: a screen that is used stays paired';

-- A screen that waits to be paired, and the code that it shows. The cookie of that browser is a secret, the code is not.
CREATE TABLE screen_code (
    secret_hash bytea PRIMARY KEY CONSTRAINT screen_code_secret_is_sha256 CHECK (octet_length(secret_hash) = 32),
    code        text NOT NULL CONSTRAINT screen_code_once UNIQUE,
    expires_at  timestamptz NOT NULL
);
