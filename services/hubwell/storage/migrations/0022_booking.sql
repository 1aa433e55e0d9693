-- Bookings of spaces, whole or in parts. An atom is the smallest part of a space that can be held alone; a hold is one
-- atom for the time of a booking and the turnaround after it. The exclusion of holds is the judge of every booking.
ALTER TABLE space
    ADD COLUMN turnaround_min int NOT NULL DEFAULT 0
    CONSTRAINT space_turnaround_possible CHECK (turnaround_min BETWEEN 0 AND 240);
COMMENT ON COLUMN space.turnaround_min IS 'minutes after each booking in which the space is prepared for the next';

CREATE TABLE atom (
    id       int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    space_id hub_id NOT NULL REFERENCES space ON DELETE CASCADE,
    position int NOT NULL CONSTRAINT atom_position_counts CHECK (position >= 1),
    name     text NOT NULL DEFAULT '' CONSTRAINT atom_name_short CHECK (length(name) <= 60),
    capacity int CONSTRAINT atom_capacity_possible CHECK (capacity BETWEEN 1 AND 100000),
    CONSTRAINT atom_position_once UNIQUE (space_id, position)
);
COMMENT ON COLUMN atom.name IS 'empty for the only atom of a space that is booked whole';
COMMENT ON COLUMN atom.capacity IS 'people; NULL: an equal share of the space''s';
INSERT INTO atom (space_id, position) SELECT id, 1 FROM space ORDER BY id;

CREATE TABLE booking (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    space_id     hub_id NOT NULL REFERENCES space,
    atoms        int[] NOT NULL CONSTRAINT booking_of_something CHECK (cardinality(atoms) >= 1),
    during       tstzrange NOT NULL
                 CONSTRAINT booking_lasts CHECK (NOT isempty(during) AND NOT lower_inf(during) AND NOT upper_inf(during))
                 CONSTRAINT booking_a_day_at_most CHECK (upper(during) - lower(during) <= interval '24 hours'),
    title        text NOT NULL CONSTRAINT booking_title_short CHECK (length(title) <= 120),
    shows_title  boolean NOT NULL,
    people       int NOT NULL CONSTRAINT booking_people_possible CHECK (people BETWEEN 1 AND 100000),
    owner        text NOT NULL CONSTRAINT booking_owner_known CHECK (owner ~ '^((account|token):[0-9a-f-]{36})?$'),
    version      int NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL,
    changed_at   timestamptz NOT NULL,
    cancelled_at timestamptz,
    request_key  text CONSTRAINT booking_request_key_short CHECK (length(request_key) BETWEEN 1 AND 255),
    request_hash bytea,
    CONSTRAINT booking_request_once UNIQUE (owner, request_key),
    CONSTRAINT booking_request_whole CHECK ((request_key IS NULL) = (request_hash IS NULL))
);
CREATE INDEX booking_begins ON booking (lower(during), space_id);
CREATE INDEX booking_owner ON booking (owner, upper(during));
COMMENT ON COLUMN booking.during IS 'the time that is shown; the holds of its atoms last for the turnaround longer';
COMMENT ON COLUMN booking.owner IS 'actor, as in the audit log: account:UUID or token:UUID; empty once the account is erased';
COMMENT ON COLUMN booking.request_key IS 'Idempotency-Key of the request: the same one again makes no second booking';

-- Rows of bookings that are neither cancelled nor deleted: what is here is held.
CREATE TABLE hold (
    booking_id uuid NOT NULL REFERENCES booking ON DELETE CASCADE,
    atom_id    int NOT NULL REFERENCES atom ON DELETE CASCADE,
    during     tstzrange NOT NULL
               CONSTRAINT hold_lasts CHECK (NOT isempty(during) AND NOT lower_inf(during) AND NOT upper_inf(during))
               CONSTRAINT hold_length_bounded CHECK (upper(during) - lower(during) <= interval '28 hours'),
    PRIMARY KEY (booking_id, atom_id),
    CONSTRAINT hold_one_at_a_time EXCLUDE USING gist (atom_id WITH =, during WITH &&)
);
-- The search for what is free; holds have a longest length, so a range of beginnings bounds it.
CREATE INDEX hold_times ON hold (lower(during), upper(during), atom_id);
