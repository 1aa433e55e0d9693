-- Defects. Times are passed in. A report locks the space's row first, then the defect's, like the archiving of a space.

-- name: report
-- One more report, unless it is a double tap: then no row comes back. None either where the space is not in use.
INSERT INTO defect (space_id, kind, first_at, last_at, reports)
SELECT id, %(kind)s, %(now)s, %(now)s, 1 FROM space
WHERE id = %(space)s AND archived_at IS NULL FOR SHARE
ON CONFLICT (space_id, kind) WHERE closed_at IS NULL DO UPDATE
SET reports = defect.reports + 1, before_last_at = defect.last_at, last_at = excluded.last_at
WHERE defect.last_at <= excluded.last_at - %(same_within)s
RETURNING id, last_at, reports

-- name: reported
SELECT d.id, d.last_at, d.reports FROM defect d JOIN space p ON p.id = d.space_id
WHERE d.space_id = %(space)s AND d.kind = %(kind)s AND d.closed_at IS NULL AND p.archived_at IS NULL

-- name: take_back_repeat
UPDATE defect SET reports = reports - 1, last_at = before_last_at, before_last_at = NULL
WHERE id = %(defect)s AND space_id = %(space)s AND closed_at IS NULL
      AND last_at = %(at)s AND last_at > %(since)s AND before_last_at IS NOT NULL
RETURNING id

-- name: take_back_only
DELETE FROM defect
WHERE id = %(defect)s AND space_id = %(space)s AND closed_at IS NULL
      AND last_at = %(at)s AND last_at > %(since)s AND reports = 1
RETURNING id

-- name: report_of
-- A report that can still be taken back.
SELECT kind, reports FROM defect
WHERE id = %(defect)s AND space_id = %(space)s AND closed_at IS NULL
      AND last_at = %(at)s AND last_at > %(since)s AND (reports = 1 OR before_last_at IS NOT NULL)

-- name: lock
SELECT d.closed_at, p.archived_at FROM defect d JOIN space p ON p.id = d.space_id
WHERE d.id = %(defect)s FOR SHARE OF p FOR UPDATE OF d

-- name: close
UPDATE defect SET closed_at = %(now)s, closed_by = %(account)s, note = %(note)s, before_last_at = NULL
WHERE id = %(defect)s

-- name: reopen
UPDATE defect SET closed_at = NULL, closed_by = NULL, note = '' WHERE id = %(defect)s

-- name: close_of_space
UPDATE defect SET closed_at = %(now)s, before_last_at = NULL WHERE space_id = %(space)s AND closed_at IS NULL

-- name: defects
-- Open ones first, the oldest on top; then those that were closed lately, the newest on top.
SELECT d.id, d.space_id, p.name AS space_name, p.archived_at IS NOT NULL AS archived, d.kind,
       d.first_at, d.last_at, d.reports, d.closed_at, d.closed_by, d.note,
       coalesce(nullif(a.name, ''), a.login) AS closed_by_name
FROM defect d JOIN space p ON p.id = d.space_id LEFT JOIN account a ON a.id = d.closed_by
WHERE (d.closed_at IS NULL OR d.closed_at > %(closed_since)s)
      AND (%(defect)s::uuid IS NULL OR d.id = %(defect)s)
ORDER BY d.closed_at DESC NULLS FIRST, d.first_at, lower(p.name), d.kind

-- name: open_in
SELECT id, kind, first_at, reports FROM defect WHERE space_id = %(space)s AND closed_at IS NULL ORDER BY first_at

-- name: count_open
SELECT count(*) FROM defect WHERE closed_at IS NULL
