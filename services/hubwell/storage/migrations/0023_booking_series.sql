-- Bookings that repeat. The dates of a series are bookings with its id and their original start on its clocks, whatever
-- becomes of them: one that was changed or cancelled alone is an exception, and no change of the series touches it.
CREATE TABLE booking_series (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    space_id       hub_id NOT NULL REFERENCES space,
    atoms          int[] NOT NULL CONSTRAINT series_of_something CHECK (cardinality(atoms) >= 1),
    rule           text NOT NULL CONSTRAINT series_rule_written CHECK (rule ~ '^FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY);.*WKST=..$'),
    zone           text NOT NULL CONSTRAINT series_zone_short CHECK (length(zone) BETWEEN 1 AND 64),
    first_at       timestamp NOT NULL,
    last_at        timestamp NOT NULL,
    lasts          interval NOT NULL CONSTRAINT series_a_day_at_most CHECK (lasts > '0' AND lasts <= interval '24 hours'),
    clock_change   text NOT NULL CONSTRAINT series_clock_change_known CHECK (clock_change IN ('shift', 'skip')),
    title          text NOT NULL CONSTRAINT series_title_short CHECK (length(title) <= 120),
    shows_title    boolean NOT NULL,
    people         int NOT NULL CONSTRAINT series_people_possible CHECK (people BETWEEN 1 AND 100000),
    owner          text NOT NULL CONSTRAINT series_owner_known CHECK (owner ~ '^((account|token):[0-9a-f-]{36})?$'),
    version        int NOT NULL DEFAULT 1,
    created_at     timestamptz NOT NULL,
    cancelled_at   timestamptz,
    cancelled_from timestamp,
    request_key    text CONSTRAINT series_request_key_short CHECK (length(request_key) BETWEEN 1 AND 255),
    request_hash   bytea,
    CONSTRAINT series_request_once UNIQUE (owner, request_key),
    CONSTRAINT series_request_whole CHECK ((request_key IS NULL) = (request_hash IS NULL)),
    CONSTRAINT series_cancelled_whole CHECK ((cancelled_at IS NULL) = (cancelled_from IS NULL)),
    CONSTRAINT series_in_order CHECK (first_at <= last_at)
);
COMMENT ON COLUMN booking_series.rule IS 'RFC 5545, without COUNT and UNTIL: last_at is the end';
COMMENT ON COLUMN booking_series.first_at IS 'start of the first date on the clocks of the zone';
COMMENT ON COLUMN booking_series.lasts IS 'on the clocks: 22:00 to 06:00 is 8 hours in every night';
COMMENT ON COLUMN booking_series.clock_change IS 'what becomes of a start that the clocks skip';
COMMENT ON COLUMN booking_series.cancelled_from IS 'the first date that was cancelled with the series at cancelled_at';

CREATE TABLE series_skip (
    series_id uuid NOT NULL REFERENCES booking_series ON DELETE CASCADE,
    at        timestamp NOT NULL,
    why       text NOT NULL
              CONSTRAINT series_skip_why_known CHECK (why IN ('taken', 'closed', 'no-such-time', 'too-long', 'past', 'left-out')),
    PRIMARY KEY (series_id, at)
);
COMMENT ON TABLE series_skip IS 'dates of the rule that were not booked; they are offered once they are free';

ALTER TABLE booking
    ADD COLUMN series_id uuid REFERENCES booking_series ON DELETE SET NULL,
    ADD COLUMN series_at timestamp,
    ADD COLUMN series_exception boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT booking_series_date CHECK (series_id IS NULL OR series_at IS NOT NULL),
    ADD CONSTRAINT booking_series_once UNIQUE (series_id, series_at);
COMMENT ON COLUMN booking.series_at IS 'original start on the clocks of the series; with series_id the key of a date';
COMMENT ON COLUMN booking.series_exception IS 'changed alone; changes of the series leave it as it is';
