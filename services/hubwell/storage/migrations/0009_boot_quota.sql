-- The new boots of one device are counted before it gets a further one.
CREATE INDEX stream_device_first ON stream (device_id, first_received_at);
