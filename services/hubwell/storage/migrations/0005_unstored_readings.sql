-- The ledger's account of readings that are not stored though the rest of their message is: a row for each message
-- with such readings, which are few.
CREATE TABLE unstored (
    stream_id int NOT NULL,
    seq       bigint NOT NULL,
    clashing  int NOT NULL,
    refused   int NOT NULL,
    CONSTRAINT unstored_once PRIMARY KEY (stream_id, seq),
    CONSTRAINT unstored_is_counted CHECK (clashing >= 0 AND refused >= 0 AND clashing + refused > 0)
);
COMMENT ON COLUMN unstored.clashing IS 'readings of an instant at which their series has another value';
COMMENT ON COLUMN unstored.refused IS 'readings that cannot be right: their value, time or unit';
