-- From sensor to screen: spaces, devices, the ledger, readings, visits, episodes, deliveries.

-- btree_gist lets an exclusion constraint compare a badge and a time range together.
CREATE EXTENSION IF NOT EXISTS btree_gist;

-- TimescaleDB is used wherever the server offers it; plain PostgreSQL is enough otherwise. Its loader defines the
-- setting where the server preloads it; shared_preload_libraries itself is hidden from ordinary roles.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')
       AND EXISTS (SELECT FROM pg_settings WHERE name = 'timescaledb.disable_load') THEN
        CREATE EXTENSION IF NOT EXISTS timescaledb;
    END IF;
END $$;

CREATE DOMAIN hub_id AS text CONSTRAINT hub_id_is_plain CHECK (VALUE ~ '^[a-z0-9][a-z0-9-]{0,62}$');

CREATE TABLE space (
    id       hub_id PRIMARY KEY,
    name     text NOT NULL CONSTRAINT space_name_not_empty CHECK (name <> ''),
    kind     text NOT NULL CONSTRAINT space_kind_known CHECK (kind IN ('workshop', 'collaboration', 'relaxation')),
    capacity int  NOT NULL CONSTRAINT space_capacity_positive CHECK (capacity > 0),
    zone     text NOT NULL DEFAULT ''
);

CREATE TABLE device (
    id            hub_id PRIMARY KEY,
    space_id      hub_id REFERENCES space,
    name          text NOT NULL DEFAULT '',
    registered_at timestamptz NOT NULL DEFAULT now(),
    status        text NOT NULL DEFAULT 'unknown'
                  CONSTRAINT device_status_known CHECK (status IN ('online', 'offline', 'unknown')),
    status_at     timestamptz,
    meta          jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX device_space ON device (space_id);

-- One boot of one device: the unit of numbering and of receipts.
CREATE TABLE stream (
    id                int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id         hub_id NOT NULL REFERENCES device,
    boot              uuid NOT NULL,
    first_received_at timestamptz NOT NULL DEFAULT now(),
    last_received_at  timestamptz NOT NULL DEFAULT now(),
    received          int8multirange NOT NULL DEFAULT '{}',
    declared          int8multirange NOT NULL DEFAULT '{}',
    last_seq          bigint NOT NULL DEFAULT 0,
    CONSTRAINT stream_device_boot UNIQUE (device_id, boot)
) WITH (fillfactor = 50);
COMMENT ON COLUMN stream.received IS 'numbers that are committed here, stored or rejected';
COMMENT ON COLUMN stream.declared IS 'numbers that the device says it dropped';
COMMENT ON COLUMN stream.last_seq IS 'highest number that the device says it gave out';

-- The ledger: one row a message, from which the audit is computed. No foreign key on the stream: streams are
-- never deleted, the transaction that writes here has just looked it up, and the check cost a tenth of ingest.
CREATE TABLE message (
    stream_id   int NOT NULL,
    seq         bigint NOT NULL,
    id          uuid,
    time        timestamptz,
    received_at timestamptz NOT NULL DEFAULT now(),
    kind        text NOT NULL CONSTRAINT message_kind_known CHECK (kind IN ('telemetry', 'event')),
    verdict     text NOT NULL CONSTRAINT message_verdict_known CHECK (verdict IN ('stored', 'rejected')),
    readings    int NOT NULL,
    copies      int NOT NULL DEFAULT 1,
    CONSTRAINT message_stored_is_whole CHECK (verdict = 'rejected' OR (id IS NOT NULL AND time IS NOT NULL)),
    CONSTRAINT message_once PRIMARY KEY (stream_id, seq)
);

-- Rows arrive in the order of this column, so a block range index of a few kilobytes finds any day.
CREATE INDEX message_received ON message USING brin (received_at);

-- The few that are not as usual, for the figures of every scrape.
CREATE INDEX message_odd ON message (stream_id) WHERE verdict = 'rejected' OR copies > 1;

-- Holes that a device declared, with their cause.
CREATE TABLE gap (
    stream_id   int NOT NULL REFERENCES stream,
    seq         bigint NOT NULL,
    seqs        int8range,
    cause       text NOT NULL,
    count       bigint NOT NULL,
    declared_at timestamptz NOT NULL,
    CONSTRAINT gap_once PRIMARY KEY (stream_id, seq)
);

-- Messages that could not be stored, kept with the reason.
CREATE TABLE rejected (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest    bytea NOT NULL CONSTRAINT rejected_once UNIQUE,
    topic     text NOT NULL,
    device_id text,
    boot      uuid,
    seq       bigint,
    code      text NOT NULL,
    reason    text NOT NULL,
    payload   bytea NOT NULL,
    size      bigint NOT NULL,
    first_at  timestamptz NOT NULL DEFAULT now(),
    last_at   timestamptz NOT NULL DEFAULT now(),
    copies    bigint NOT NULL DEFAULT 1
);
CREATE INDEX rejected_last ON rejected (last_at);

CREATE TABLE series (
    id        int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id hub_id NOT NULL REFERENCES device,
    name      text NOT NULL,
    quantity  text NOT NULL,
    unit      text NOT NULL,
    CONSTRAINT series_device_name UNIQUE (device_id, name)
);

CREATE TABLE reading (
    time      timestamptz NOT NULL,
    series_id int NOT NULL,
    value     float8 NOT NULL,
    quality   smallint NOT NULL DEFAULT 0,
    CONSTRAINT reading_once PRIMARY KEY (series_id, time)
);
COMMENT ON COLUMN reading.quality IS '0 ok, 1 inferred, 2 suspect';

-- Personal data stays in plain tables: it can be erased row by row.
CREATE TABLE tap (
    stream_id int NOT NULL REFERENCES stream,
    seq       bigint NOT NULL,
    time      timestamptz NOT NULL,
    badge     bytea NOT NULL CONSTRAINT tap_badge_is_pseudonym CHECK (octet_length(badge) = 16),
    epoch     int NOT NULL,
    reader    text NOT NULL,
    space_id  hub_id REFERENCES space,
    CONSTRAINT tap_once PRIMARY KEY (stream_id, seq)
);
CREATE INDEX tap_badge_time ON tap (badge, time);

CREATE TABLE visit (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    badge    bytea NOT NULL,
    space_id hub_id NOT NULL REFERENCES space,
    during   tstzrange NOT NULL CONSTRAINT visit_lasts CHECK (NOT isempty(during)),
    ended_by text CONSTRAINT visit_end_known CHECK (ended_by IN ('tap', 'moved', 'inferred')),
    CONSTRAINT visit_one_place_at_a_time EXCLUDE USING gist (badge WITH =, during WITH &&),
    CONSTRAINT visit_end_explained CHECK (upper_inf(during) = (ended_by IS NULL))
);
CREATE INDEX visit_open ON visit (space_id) WHERE upper_inf(during);

CREATE TABLE episode (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    rule         text NOT NULL,
    rule_version int NOT NULL,
    space_id     hub_id NOT NULL REFERENCES space,
    opened_at    timestamptz NOT NULL,
    resolved_at  timestamptz,
    value        float8 NOT NULL,
    peak         float8 NOT NULL,
    evidence     jsonb NOT NULL,
    CONSTRAINT episode_ends_after_it_begins CHECK (resolved_at > opened_at)
);
CREATE UNIQUE INDEX episode_one_open ON episode (rule, space_id) WHERE resolved_at IS NULL;
CREATE UNIQUE INDEX episode_once ON episode (rule, space_id, opened_at);

-- What happened, in the hub's own words; deliveries leave from here.
CREATE TABLE event (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type        text NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    space_id    hub_id REFERENCES space,
    payload     jsonb NOT NULL
);
CREATE INDEX event_recorded ON event (recorded_at);

CREATE TABLE delivery (
    event_id     bigint NOT NULL REFERENCES event ON DELETE CASCADE,
    channel      text NOT NULL CONSTRAINT delivery_channel_known CHECK (channel IN ('board', 'webhook')),
    target       text NOT NULL,
    queued_at    timestamptz NOT NULL DEFAULT now(),
    attempts     int NOT NULL DEFAULT 0,
    delivered_at timestamptz,
    last_error   text,
    CONSTRAINT delivery_once PRIMARY KEY (event_id, channel, target)
);
CREATE INDEX delivery_waiting ON delivery (queued_at) WHERE delivered_at IS NULL;
