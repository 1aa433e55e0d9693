-- Bookings whose release is due, and what is known of their spaces. Times are passed in.

-- name: due
-- Each is judged once, by one worker: what another one has locked is left to it.
SELECT b.id, b.space_id, lower(b.during), b.release_at, s.kind, s.features
FROM booking b JOIN space s ON s.id = b.space_id
WHERE b.release_at <= %(now)s AND b.judged_at IS NULL AND b.cancelled_at IS NULL AND upper(b.during) > %(now)s
  AND NOT b.walk_in AND NOT s.personal AND s.release_min IS NOT NULL
ORDER BY b.release_at, b.id LIMIT 100 FOR NO KEY UPDATE OF b SKIP LOCKED

-- name: judged
UPDATE booking SET judged_at = %(now)s WHERE id = %(booking)s

-- name: came
-- Whether a badge was or is in the space since a booking began.
SELECT EXISTS (SELECT FROM visit v WHERE v.space_id = %(space)s AND v.during && tstzrange(%(start)s, %(now)s, '[]'))

-- name: sensors
-- Sensors of people and of CO2 in a space, and for how long a reading of each holds.
SELECT s.id, s.quantity = %(co2)s AS is_co2,
       greatest(stale_after(), least(make_interval(secs => hold_steps() * coalesce(declared_every_s(d.meta, s.name), 0)), longest_hold()))
FROM series s JOIN device d ON d.id = s.device_id AND d.archived_at IS NULL
WHERE d.space_id = %(space)s AND (s.quantity = %(co2)s OR sees_people(s.quantity, s.name))
ORDER BY s.id

-- name: samples
SELECT time, value FROM reading
WHERE series_id = %(series)s AND time > %(since)s AND time <= %(until)s AND quality < suspect() ORDER BY time

-- name: co2_floor
-- The lowest mean of an hour in the week before; NULL where there is less than a day of it.
SELECT CASE WHEN count(*) >= 24 THEN min(mean) END FROM (
    SELECT avg(value) AS mean FROM reading
    WHERE series_id = %(series)s AND time > %(start)s::timestamptz - interval '7 days' AND time <= %(start)s
      AND quality < suspect()
    GROUP BY date_trunc('hour', time)
) hours

-- name: release
UPDATE booking SET no_show_end = upper(during), during = tstzrange(lower(during), %(now)s), changed_at = %(now)s,
    version = version + 1
WHERE id = %(booking)s

-- name: taken_back
UPDATE booking SET no_show_end = NULL WHERE id = %(booking)s
