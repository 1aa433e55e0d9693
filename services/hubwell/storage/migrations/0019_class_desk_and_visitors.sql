-- Names of a class that wait at the desk for their badges: a list belongs to the account that pasted it, and lasts for
-- hours. A name has its badge when it has a credential; one that is taken back lets it wait again.
CREATE TABLE class_list (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    owner_id   uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    reader     text NOT NULL DEFAULT '' CONSTRAINT class_list_reader_short CHECK (length(reader) <= 130),
    language   text CONSTRAINT class_list_language_known CHECK (language IN ('en', 'it', 'fi', 'et', 'lv', 'nl')),
    started_at timestamptz NOT NULL,
    used_at    timestamptz NOT NULL,
    taps_after timestamptz NOT NULL
);
COMMENT ON COLUMN class_list.reader IS 'device and reader of the desk, with a slash between; empty: every desk';
COMMENT ON COLUMN class_list.taps_after IS 'badges that were held to the reader before are left out';

CREATE TABLE class_name (
    list_id       uuid NOT NULL REFERENCES class_list ON DELETE CASCADE,
    position      int  NOT NULL,
    name          text NOT NULL CONSTRAINT class_name_short CHECK (length(name) BETWEEN 1 AND 120),
    credential_id bigint REFERENCES credential ON DELETE SET NULL,
    skipped       boolean NOT NULL DEFAULT false,
    done_at       timestamptz,
    CONSTRAINT class_name_once PRIMARY KEY (list_id, position)
);
CREATE INDEX class_name_credential ON class_name (credential_id) WHERE credential_id IS NOT NULL;

-- Sessions that were entered together, one each week.
ALTER TABLE course_session ADD COLUMN series_id uuid;
COMMENT ON COLUMN course_session.series_id IS 'the same for sessions that were entered together; null for one alone';
CREATE INDEX course_session_series ON course_session (series_id) WHERE series_id IS NOT NULL;

-- People without a badge whom officers enter on the list of an evacuation.
ALTER TABLE muster_person
    ADD COLUMN visitor text CONSTRAINT muster_person_visitor_short CHECK (length(visitor) <= 120),
    ADD COLUMN entry_key uuid CONSTRAINT muster_person_entered_once UNIQUE,
    ADD CONSTRAINT muster_person_visitor_has_no_entry CHECK (visitor IS NULL OR person_id IS NULL);
COMMENT ON COLUMN muster_person.visitor IS 'name of a visitor whom an officer entered, possibly empty; null: a person of the register';
COMMENT ON COLUMN muster_person.entry_key IS 'made by the form of a visitor, so that sending it twice enters one';
