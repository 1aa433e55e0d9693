-- The ledger for dashboards, without the rows of taps and without totals that include them: a total that rises by
-- one between two messages of a sensor would show a tap.
CREATE VIEW ledger_telemetry AS
SELECT received_at, verdict, copies FROM message WHERE kind = 'telemetry';

CREATE VIEW ledger_lost AS
SELECT declared_at, cause, count FROM gap WHERE cause <> 'erased';

CREATE VIEW ledger_complete AS
SELECT s.id AS stream_id, s.device_id, s.first_received_at, date_trunc('day', s.last_received_at) AS heard_on,
       greatest(s.last_seq, coalesce(upper(s.received) - 1, 0)) - n.received - n.declared AS missing,
       greatest(n.declared - n.erased, 0) AS declared
FROM stream s
CROSS JOIN LATERAL (
    SELECT (SELECT coalesce(sum(upper(r) - lower(r)), 0) FROM unnest(s.received) AS r) AS received,
           (SELECT coalesce(sum(upper(r) - lower(r)), 0) FROM unnest(s.declared - s.received) AS r) AS declared,
           (SELECT coalesce(sum(count), 0) FROM gap WHERE stream_id = s.id AND cause = 'erased') AS erased
) n;
