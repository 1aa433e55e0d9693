-- What administrators and facilities enter of a space in the browser, beside what it was so far.

ALTER TABLE space
    ADD COLUMN position  int  CONSTRAINT space_position_positive CHECK (position > 0),
    ADD COLUMN opens_at  time,
    ADD COLUMN features  text[] NOT NULL DEFAULT '{}'
        CONSTRAINT space_features_known CHECK (features <@ ARRAY['step-free', 'hearing-loop', 'quiet', 'daylight']),
    ADD COLUMN equipment text[] NOT NULL DEFAULT '{}',
    ADD COLUMN names     jsonb  NOT NULL DEFAULT '{}'
        CONSTRAINT space_names_by_language CHECK (jsonb_typeof(names) = 'object');
COMMENT ON COLUMN space.position IS 'place among the spaces of its kind; null: after those that have one, by name';
COMMENT ON COLUMN space.opens_at IS 'local time from which the space is open; null: not stated';
COMMENT ON COLUMN space.features IS 'what people may need of the space, in words of the vocabulary';
COMMENT ON COLUMN space.names IS 'names in other languages, by code of the language';

-- Two spaces of one name cannot be told apart at a door. Of those that share one, the first keeps it, and the others
-- get their id behind it.
UPDATE space s SET name = s.name || ' (' || s.id || ')'
WHERE s.archived_at IS NULL AND EXISTS (
    SELECT FROM space o
    WHERE o.archived_at IS NULL AND o.id < s.id AND lower(btrim(o.name)) = lower(btrim(s.name))
);
CREATE UNIQUE INDEX space_one_name ON space (lower(btrim(name))) WHERE archived_at IS NULL;
