-- The figure of a window in which a number was not counted again, because its group hardly changed.
ALTER TABLE people_figure DROP CONSTRAINT people_figure_withheld_known;
ALTER TABLE people_figure ADD CONSTRAINT people_figure_withheld_known
    CHECK (withheld IN ('group', 'held', 'personal'));
COMMENT ON COLUMN people_figure.withheld IS
    'group: too small, or it would give a small one away; held: unchanged since a window before; which is not told';

-- A random value that roles without a right to this table cannot know: from it come the names of the channels of
-- notifications, because PostgreSQL lets every role listen and notify, and the keys of advisory locks.
CREATE TABLE hub_secret (
    value uuid NOT NULL DEFAULT gen_random_uuid()
);
CREATE UNIQUE INDEX hub_secret_once ON hub_secret ((true));
INSERT INTO hub_secret DEFAULT VALUES;

-- Rows that serialise taps of one badge. A row lock is in no system view, and a row is of many badges.
CREATE TABLE badge_lock (
    bucket int PRIMARY KEY
);
INSERT INTO badge_lock SELECT generate_series(0, 1023);
