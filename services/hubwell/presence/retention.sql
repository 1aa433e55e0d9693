-- What is past its term in this package's tables; see people/retention.sql.

-- name: tap
-- Taps of a visit that lasts, or that ended within the time, stay with it: a late tap works them out together.
FROM tap t WHERE t.time < %(older)s AND NOT EXISTS (
    SELECT FROM visit v WHERE v.person_id = t.person_id AND lower(v.during) <= t.time
      AND (upper_inf(v.during) OR upper(v.during) >= %(older)s)
)

-- name: visit
FROM visit WHERE upper(during) < %(older)s

-- name: suspicion
FROM suspicion WHERE at < %(older)s
