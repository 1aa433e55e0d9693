-- What was deleted, by which rule and how much: the proof of deletion, without what was deleted.
CREATE TABLE deletion (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    class      text NOT NULL,
    why        text NOT NULL CONSTRAINT deletion_why_known CHECK (why IN ('retention', 'erasure', 'epoch-destroyed')),
    older_than timestamptz,
    rows       bigint NOT NULL,
    left_over  bigint NOT NULL,
    ran_at     timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN deletion.left_over IS 'rows that the rule still finds after deleting: 0 is the proof';

-- An erased credential, unrecognisable: a salted hash that lets a late message of it be dropped unread.
CREATE TABLE erased (
    salt  bytea NOT NULL,
    tag   bytea NOT NULL CONSTRAINT erased_once PRIMARY KEY,
    until timestamptz NOT NULL
);

-- The one way in which numbers of people leave: gated figures of closed, fixed windows.
CREATE TABLE people_figure (
    scope    text NOT NULL CONSTRAINT people_figure_scope_known CHECK (scope IN ('space', 'zone', 'hub')),
    place    text NOT NULL,
    start    timestamptz NOT NULL,
    about    int CONSTRAINT people_figure_is_a_group CHECK (about >= 5 AND about % 5 = 0),
    fullness text CONSTRAINT people_figure_fullness_known
             CHECK (fullness IN ('third', 'half', 'most', 'full')),
    withheld text CONSTRAINT people_figure_withheld_known CHECK (withheld IN ('group', 'personal')),
    CONSTRAINT people_figure_once PRIMARY KEY (scope, place, start),
    CONSTRAINT people_figure_number_or_reason CHECK ((about IS NULL) = (withheld IS NOT NULL))
);
CREATE INDEX people_figure_start ON people_figure (start);
COMMENT ON COLUMN people_figure.withheld IS 'group: too small, or it would give a small one away; which is not told';

-- What the gate remembers; never read by anything but the gate.
CREATE TABLE people_gate (
    scope text NOT NULL,
    place text NOT NULL,
    people int NOT NULL,
    start timestamptz NOT NULL,
    CONSTRAINT people_gate_once PRIMARY KEY (scope, place)
);

-- An evacuation, real or drilled. Its list of persons is deleted when it is closed; the report has no names.
CREATE TABLE muster (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    kind       text NOT NULL CONSTRAINT muster_kind_known CHECK (kind IN ('drill', 'alarm')),
    opened_at  timestamptz NOT NULL DEFAULT now(),
    opened_by  uuid,
    closed_at  timestamptz,
    report     jsonb NOT NULL DEFAULT '{}'
);
CREATE UNIQUE INDEX muster_one_open ON muster ((true)) WHERE closed_at IS NULL;

CREATE TABLE muster_person (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    muster_id  uuid NOT NULL REFERENCES muster ON DELETE CASCADE,
    person_id  uuid REFERENCES person ON DELETE SET NULL,
    space_id   hub_id NOT NULL REFERENCES space,
    zone       text NOT NULL,
    since      timestamptz NOT NULL,
    state      text NOT NULL DEFAULT 'expected'
               CONSTRAINT muster_person_state_known CHECK (state IN ('expected', 'safe', 'missing')),
    changed_at timestamptz,
    CONSTRAINT muster_person_once UNIQUE (muster_id, person_id)
);

COMMENT ON COLUMN muster_person.person_id IS
    'null: the person was erased while the muster is open; somebody may be inside all the same';

-- Leave to see names in a drill: asked by one, given by another.
CREATE TABLE break_glass (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    muster_id    uuid NOT NULL REFERENCES muster ON DELETE CASCADE,
    reason       text NOT NULL CONSTRAINT break_glass_reason_not_empty CHECK (reason <> ''),
    requested_by uuid NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    approved_by  uuid,
    approved_at  timestamptz,
    expires_at   timestamptz NOT NULL,
    CONSTRAINT break_glass_takes_two CHECK (approved_by <> requested_by)
);
