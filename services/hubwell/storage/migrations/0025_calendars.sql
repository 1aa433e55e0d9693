-- Addresses at which calendar programs read bookings. An address is a capability: whoever knows its
-- token reads what it shows. Only the hash of the token is stored.
CREATE TABLE calendar_address (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    token_hash   bytea NOT NULL CONSTRAINT calendar_address_token_once UNIQUE
                 CONSTRAINT calendar_address_token_hashed CHECK (octet_length(token_hash) = 32),
    shows        text NOT NULL CONSTRAINT calendar_address_shows_known CHECK (shows IN ('own', 'space', 'busy')),
    space_id     hub_id REFERENCES space ON DELETE CASCADE,
    owner        text NOT NULL CONSTRAINT calendar_address_owner_known CHECK (owner ~ '^(account|token):[0-9a-f-]{36}$'),
    created_at   timestamptz NOT NULL,
    last_read_on date,
    CONSTRAINT calendar_address_whole CHECK ((shows = 'own') = (space_id IS NULL))
);
CREATE INDEX calendar_address_owner ON calendar_address (owner);
COMMENT ON COLUMN calendar_address.shows IS 'own: bookings of the owner; space: those of a space; busy: its times alone';
COMMENT ON COLUMN calendar_address.owner IS 'actor who made it, as in the audit log';
COMMENT ON COLUMN calendar_address.last_read_on IS 'day on the hub''s clocks; no more is kept of who reads when';
