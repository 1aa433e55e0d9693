-- Walk-ins take a space at its panel with a badge, and bookings to which nobody came are released.
ALTER TABLE space
    ADD COLUMN walk_ins boolean NOT NULL DEFAULT true,
    ADD COLUMN release_min int
        CONSTRAINT space_release_possible CHECK (release_min BETWEEN 15 AND 120);
COMMENT ON COLUMN space.walk_ins IS 'whether a badge takes the space at its panel';
COMMENT ON COLUMN space.release_min IS 'minutes after the start at which a booking is released to which nobody came; NULL: none is';

ALTER TABLE booking
    DROP CONSTRAINT booking_owner_known,
    ADD CONSTRAINT booking_owner_known CHECK (owner ~ '^((account|token|person):[0-9a-f-]{36})?$'),
    ADD COLUMN walk_in boolean NOT NULL DEFAULT false,
    ADD COLUMN release_at timestamptz,
    ADD COLUMN judged_at timestamptz,
    ADD COLUMN no_show_end timestamptz;
CREATE INDEX booking_release ON booking (release_at) WHERE judged_at IS NULL AND cancelled_at IS NULL;
COMMENT ON COLUMN booking.owner IS 'actor, as in the audit log: account:UUID, token:UUID or, of a walk-in, person:UUID; empty once erased';
COMMENT ON COLUMN booking.release_at IS 'when it is released if nobody comes, as its owner read it; NULL: never';
COMMENT ON COLUMN booking.judged_at IS 'when it was decided whether anybody came; once for each release_at';
COMMENT ON COLUMN booking.no_show_end IS 'the end that it had when it was released as a no-show';

-- What was pressed at the panel of a space, and waits for a badge at the space's reader. One for each space.
CREATE TABLE door_request (
    space_id   hub_id PRIMARY KEY REFERENCES space ON DELETE CASCADE,
    id         uuid NOT NULL DEFAULT gen_random_uuid(),
    wish       text NOT NULL CONSTRAINT door_request_wish_known CHECK (wish IN ('take', 'extend', 'end')),
    minutes    int NOT NULL CONSTRAINT door_request_minutes_possible CHECK (minutes BETWEEN 0 AND 240),
    asked_at   timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    answer     text NOT NULL DEFAULT '' CONSTRAINT door_request_answer_short CHECK (length(answer) <= 60),
    until      timestamptz,
    part       text NOT NULL DEFAULT '' CONSTRAINT door_request_part_short CHECK (length(part) <= 60)
);
COMMENT ON COLUMN door_request.answer IS 'empty while it waits; done, or the code of the refusal';
COMMENT ON COLUMN door_request.until IS 'once done: until when the space is taken';
