-- What Grafana's account reads, as rows of their own: whoever may query a view sees in EXPLAIN how many rows of the
-- tables behind it were read, and with that each visit and each tap.
CREATE TABLE published (
    view    text NOT NULL,
    id      text NOT NULL,
    content jsonb NOT NULL,
    PRIMARY KEY (view, id)
);

COMMENT ON COLUMN published.view IS 'view whose row this is a copy of';
