-- Devices in the browser: what a device last reported of itself, what it measured before it was moved, and devices that
-- are heard and not registered.
ALTER TABLE device
    ADD COLUMN moved_at timestamptz,
    ADD COLUMN past_of  hub_id REFERENCES device,
    ADD COLUMN clock    text,
    ADD COLUMN pending  bigint;
COMMENT ON COLUMN device.moved_at IS 'since when it is in its space; null: since it was registered';
COMMENT ON COLUMN device.past_of IS 'the device whose series of an earlier space these are: archived for good';
COMMENT ON COLUMN device.clock IS 'state of its clock as it last reported it';
COMMENT ON COLUMN device.pending IS 'messages that waited on the device when it last reported its status';
CREATE INDEX device_past ON device (past_of) WHERE past_of IS NOT NULL;

-- At most some hundred rows that nobody answered (see vocabulary.MOST_UNREGISTERED), whatever names are made up.
CREATE TABLE unregistered_device (
    device_id  hub_id PRIMARY KEY,
    first_at   timestamptz NOT NULL DEFAULT now(),
    last_at    timestamptz,
    messages   bigint NOT NULL,
    pending    bigint,
    series     jsonb NOT NULL DEFAULT '{}',
    meta       jsonb NOT NULL DEFAULT '{}',
    ignored_at timestamptz
);
COMMENT ON COLUMN unregistered_device.last_at IS 'null: only the broker''s copies of its states were read';
COMMENT ON COLUMN unregistered_device.messages IS 'messages that came from it, copies included';
COMMENT ON COLUMN unregistered_device.pending IS 'messages that waited on it when it last reported its status';
COMMENT ON COLUMN unregistered_device.series IS 'units of the series in its messages, by name';
