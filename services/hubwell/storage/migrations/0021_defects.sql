-- What people report as broken, at a door or in the browser. One row collects all reports of a kind in a space until it
-- is done, so the table grows with what is broken and never with how often a tablet is tapped. No text of who reports.
CREATE TABLE defect (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    space_id       hub_id NOT NULL REFERENCES space,
    kind           text NOT NULL CONSTRAINT defect_kind_known CHECK (
                       kind IN ('electricity', 'furniture', 'machine', 'display', 'climate', 'water', 'sensor', 'other')),
    first_at       timestamptz NOT NULL,
    last_at        timestamptz NOT NULL CONSTRAINT defect_last_is_not_before_first CHECK (last_at >= first_at),
    before_last_at timestamptz,
    reports        integer NOT NULL CONSTRAINT defect_was_reported CHECK (reports > 0),
    closed_at      timestamptz,
    closed_by      uuid REFERENCES account ON DELETE SET NULL,
    note           text NOT NULL DEFAULT '' CONSTRAINT defect_note_short CHECK (length(note) <= 300),
    CONSTRAINT defect_note_of_closed CHECK (closed_at IS NOT NULL OR (closed_by IS NULL AND note = ''))
);
CREATE UNIQUE INDEX defect_one_open ON defect (space_id, kind) WHERE closed_at IS NULL;
CREATE INDEX defect_closed ON defect (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX defect_closed_by ON defect (closed_by) WHERE closed_by IS NOT NULL;
COMMENT ON COLUMN defect.before_last_at IS 'the report before the newest one, while the newest can be taken back';
