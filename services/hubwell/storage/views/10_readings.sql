-- The newest value of every series, of any age.
CREATE VIEW series_now AS
SELECT s.id AS series_id, s.device_id, d.space_id, s.name, s.quantity, s.unit, r.time, r.value, r.quality
FROM series s
JOIN device d ON d.id = s.device_id
LEFT JOIN LATERAL (
    SELECT time, value, quality FROM reading WHERE series_id = s.id ORDER BY time DESC LIMIT 1
) r ON true;
