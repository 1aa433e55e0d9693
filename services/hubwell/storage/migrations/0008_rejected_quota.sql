-- What was set aside lately of one device is added up before more is kept of it.
CREATE INDEX rejected_device ON rejected (device_id, first_at);
