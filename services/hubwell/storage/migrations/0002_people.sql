-- A learner taps in: people, credentials, visits of persons, accounts, musters, figures, proofs of deletion.

-- A space's door: what happens when it is full, when it closes, whether it is one person's room.
ALTER TABLE space
    ADD COLUMN when_full text NOT NULL DEFAULT 'warn'
        CONSTRAINT space_when_full_known CHECK (when_full IN ('warn', 'refuse')),
    ADD COLUMN closes_at time,
    ADD COLUMN personal boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN space.closes_at IS 'local time at which forgotten visits end; null: the hub''s closing time';
COMMENT ON COLUMN space.personal IS 'one person''s room: whether somebody is in is personal data and not shown';

ALTER TABLE device
    ADD COLUMN muster_station boolean NOT NULL DEFAULT false,
    ADD COLUMN roster_at timestamptz;
COMMENT ON COLUMN device.roster_at IS 'time of the list of badges that the device says it holds';

-- What a reader is for, where it is not a space's door.
CREATE TABLE reader (
    device_id hub_id NOT NULL REFERENCES device ON DELETE CASCADE,
    name      hub_id NOT NULL,
    purpose   text NOT NULL CONSTRAINT reader_purpose_known CHECK (purpose IN ('space', 'desk', 'kiosk')),
    CONSTRAINT reader_once PRIMARY KEY (device_id, name)
);

-- A person. Without a name it is a pseudonym that several credentials may share.
CREATE TABLE person (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    kind          text NOT NULL CONSTRAINT person_kind_known CHECK (kind IN ('enrolled', 'counted')),
    name          text NOT NULL DEFAULT '' CONSTRAINT person_name_short CHECK (length(name) <= 120),
    language      text CONSTRAINT person_language_known
                  CHECK (language IN ('en', 'it', 'fi', 'et', 'lv', 'nl')),
    shown_on_site boolean NOT NULL DEFAULT false,
    shown_as      text NOT NULL DEFAULT '' CONSTRAINT person_shown_as_known
                  CHECK (shown_as IN ('', 'mentor', 'ambassador')),
    created_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT person_counted_is_nameless CHECK (kind = 'enrolled' OR (name = '' AND NOT shown_on_site)),
    CONSTRAINT person_shown_by_name CHECK (NOT shown_on_site OR (name <> '' AND shown_as <> ''))
);
COMMENT ON COLUMN person.kind IS 'counted: an unknown badge where the hub counts those; never named';

-- What a person holds to a reader. It opens doors only for taps within `valid`.
CREATE TABLE credential (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id   uuid NOT NULL REFERENCES person ON DELETE CASCADE,
    kind        text NOT NULL CONSTRAINT credential_kind_known CHECK (kind IN ('badge', 'sun', 'qr')),
    label       text NOT NULL DEFAULT '' CONSTRAINT credential_label_short CHECK (length(label) <= 60),
    valid       tstzrange NOT NULL CONSTRAINT credential_valid_begins CHECK (NOT isempty(valid)),
    revoked_why text CONSTRAINT credential_revoked_why_known CHECK (revoked_why IN ('lost', 'replaced', 'left')),
    sun_counter bigint,
    CONSTRAINT credential_revoked_explained CHECK (upper_inf(valid) = (revoked_why IS NULL))
);
CREATE INDEX credential_person ON credential (person_id);
COMMENT ON COLUMN credential.sun_counter IS 'NTAG 424 DNA: highest counter accepted; a message with it or less is a replay';

-- The pseudonym of a credential, one for each epoch: a change of keys re-links by adding a row.
CREATE TABLE credential_pseudonym (
    badge         bytea NOT NULL CONSTRAINT credential_badge_is_pseudonym CHECK (octet_length(badge) = 16),
    credential_id bigint NOT NULL REFERENCES credential ON DELETE CASCADE,
    epoch         int NOT NULL,
    CONSTRAINT credential_enrolled_once PRIMARY KEY (badge),
    CONSTRAINT credential_one_pseudonym_an_epoch UNIQUE (credential_id, epoch)
);

-- Taps and visits of the release before: every badge becomes a counted person.
CREATE TEMPORARY TABLE counted ON COMMIT DROP AS
SELECT badge, max(epoch) AS epoch, min(time) AS since, gen_random_uuid() AS person_id FROM tap GROUP BY badge;
INSERT INTO person (id, kind) SELECT person_id, 'counted' FROM counted;
INSERT INTO credential (person_id, kind, valid) SELECT person_id, 'badge', tstzrange(since, NULL) FROM counted;
INSERT INTO credential_pseudonym (badge, credential_id, epoch)
SELECT c.badge, r.id, c.epoch FROM counted c JOIN credential r USING (person_id);

-- The facts that visits are made of. Kept for days only; visits stay longer.
ALTER TABLE tap RENAME TO tap_0001;
ALTER TABLE tap_0001 RENAME CONSTRAINT tap_once TO tap_0001_once;
DROP INDEX tap_badge_time;
CREATE TABLE tap (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id  uuid NOT NULL REFERENCES person ON DELETE CASCADE,
    space_id   hub_id NOT NULL REFERENCES space,
    time       timestamptz NOT NULL,
    source     text NOT NULL CONSTRAINT tap_source_known CHECK (source IN ('reader', 'desk', 'self')),
    intent     text NOT NULL DEFAULT 'toggle'
               CONSTRAINT tap_intent_known CHECK (intent IN ('toggle', 'in', 'out')),
    verdict    text NOT NULL DEFAULT 'counts'
               CONSTRAINT tap_verdict_known CHECK (verdict IN ('counts', 'full', 'doubtful')),
    stream_id  int REFERENCES stream,
    seq        bigint,
    reader     text,
    credential_id bigint REFERENCES credential ON DELETE SET NULL,
    CONSTRAINT tap_once UNIQUE (stream_id, seq),
    CONSTRAINT tap_reader_is_numbered CHECK ((source = 'reader') = (stream_id IS NOT NULL AND seq IS NOT NULL))
);
CREATE INDEX tap_person_time ON tap (person_id, time);
CREATE INDEX tap_time ON tap (time);
COMMENT ON COLUMN tap.verdict IS 'full: the reader turned the person away; doubtful: two places at once';
INSERT INTO tap (person_id, space_id, time, source, stream_id, seq, reader)
SELECT c.person_id, t.space_id, t.time, 'reader', t.stream_id, t.seq, t.reader
FROM tap_0001 t JOIN counted c USING (badge) WHERE t.space_id IS NOT NULL;

ALTER TABLE visit ADD COLUMN person_id uuid REFERENCES person ON DELETE CASCADE;
DELETE FROM visit v WHERE NOT EXISTS (SELECT FROM counted c WHERE c.badge = v.badge);
UPDATE visit v SET person_id = c.person_id FROM counted c WHERE c.badge = v.badge;
ALTER TABLE visit
    ALTER COLUMN person_id SET NOT NULL,
    DROP CONSTRAINT visit_one_place_at_a_time,
    DROP CONSTRAINT visit_end_known,
    DROP COLUMN badge,
    ADD CONSTRAINT visit_one_place_at_a_time EXCLUDE USING gist (person_id WITH =, during WITH &&),
    ADD CONSTRAINT visit_end_known CHECK (ended_by IN ('tap', 'moved', 'inferred', 'corrected'));
CREATE INDEX visit_during ON visit USING gist (during);
DROP TABLE tap_0001;

-- Something that does not fit together; a question to ask, never a verdict on a person.
CREATE TABLE suspicion (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    credential_id bigint NOT NULL REFERENCES credential ON DELETE CASCADE,
    kind          text NOT NULL CONSTRAINT suspicion_kind_known
                  CHECK (kind IN ('two-places', 'counter-replayed', 'revoked-used', 'sun-forged')),
    at            timestamptz NOT NULL,
    space_id      hub_id REFERENCES space,
    other_space_id hub_id REFERENCES space,
    settled_at    timestamptz,
    CONSTRAINT suspicion_once UNIQUE (credential_id, kind, at)
);

-- A tap at a desk's reader waits here for the two minutes in which staff enrol it.
CREATE TABLE desk_tap (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id  hub_id NOT NULL REFERENCES device ON DELETE CASCADE,
    reader     text NOT NULL,
    badge      bytea NOT NULL CONSTRAINT desk_tap_badge_is_pseudonym CHECK (octet_length(badge) = 16),
    epoch      int NOT NULL,
    kind       text NOT NULL DEFAULT 'badge',
    tapped_at  timestamptz NOT NULL DEFAULT now()
);

-- A meeting with a purpose; its roll is read from visits while it may be, and never copied.
CREATE TABLE course_session (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    title      text NOT NULL CONSTRAINT course_session_title_not_empty CHECK (title <> '' AND length(title) <= 120),
    purpose    text NOT NULL CONSTRAINT course_session_purpose_not_empty CHECK (purpose <> '' AND length(purpose) <= 300),
    space_id   hub_id NOT NULL REFERENCES space,
    during     tstzrange NOT NULL CONSTRAINT course_session_lasts CHECK (NOT isempty(during)),
    owner_id   uuid NOT NULL,
    roll_until timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT course_session_roll_ends CHECK (roll_until > upper(during))
);

-- Who may sign in. A local account has a password, one of a provider has identities; either may have both.
CREATE TABLE account (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    login         text NOT NULL CONSTRAINT account_login_once UNIQUE
                  CONSTRAINT account_login_plain CHECK (login = lower(login) AND login ~ '^[^\s]{1,120}$'),
    name          text NOT NULL DEFAULT '' CONSTRAINT account_name_short CHECK (length(name) <= 120),
    password_hash text,
    person_id     uuid REFERENCES person ON DELETE SET NULL,
    language      text CONSTRAINT account_language_known
                  CHECK (language IN ('en', 'it', 'fi', 'et', 'lv', 'nl')),
    created_at    timestamptz NOT NULL DEFAULT now(),
    signed_in_at  timestamptz,
    disabled_at   timestamptz
);

CREATE TABLE account_role (
    account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    role       text NOT NULL CONSTRAINT account_role_known
               CHECK (role IN ('learner', 'staff', 'facilities', 'osh', 'admin')),
    granted_by text NOT NULL CONSTRAINT account_role_origin_known CHECK (granted_by IN ('local', 'oidc')),
    CONSTRAINT account_role_once PRIMARY KEY (account_id, role)
);

CREATE TABLE account_identity (
    issuer     text NOT NULL,
    subject    text NOT NULL,
    account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    CONSTRAINT account_identity_once PRIMARY KEY (issuer, subject)
);

-- A signed-in browser: of an account, or of a person who came with a code from the kiosk.
CREATE TABLE sign_in (
    token_hash   bytea PRIMARY KEY CONSTRAINT sign_in_hash_is_sha256 CHECK (octet_length(token_hash) = 32),
    account_id   uuid REFERENCES account ON DELETE CASCADE,
    person_id    uuid REFERENCES person ON DELETE CASCADE,
    csrf         text NOT NULL,
    language     text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    CONSTRAINT sign_in_of_somebody CHECK (num_nonnulls(account_id, person_id) = 1)
);
CREATE INDEX sign_in_expires ON sign_in (expires_at);

-- A one-time code that a kiosk shows after a tap.
CREATE TABLE visit_code (
    code_hash  bytea PRIMARY KEY CONSTRAINT visit_code_hash_is_sha256 CHECK (octet_length(code_hash) = 32),
    person_id  uuid NOT NULL REFERENCES person ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);

-- Programs. The token itself is shown once and kept as a hash.
CREATE TABLE service_token (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name       text NOT NULL CONSTRAINT service_token_name_once UNIQUE,
    token_hash bytea NOT NULL CONSTRAINT service_token_hash_once UNIQUE
               CONSTRAINT service_token_hash_is_sha256 CHECK (octet_length(token_hash) = 32),
    roles      text[] NOT NULL CONSTRAINT service_token_roles_known
               CHECK (roles <@ ARRAY['learner', 'staff', 'facilities', 'osh', 'admin']),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz
);

-- What was done with people's data, and by whom: each entry holds the hash of the one before. No names and no
-- pseudonyms in it: an actor or subject is the id of a row that erasure deletes.
CREATE TABLE audit_entry (
    id       bigint PRIMARY KEY,
    at       timestamptz NOT NULL,
    actor    text NOT NULL,
    action   text NOT NULL,
    subject  text NOT NULL DEFAULT '',
    detail   jsonb NOT NULL DEFAULT '{}',
    previous bytea NOT NULL,
    hash     bytea NOT NULL CONSTRAINT audit_entry_hash_is_sha256 CHECK (octet_length(hash) = 32)
);

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
