-- Cards that sign: the counter of each genuine message and the earliest time at which it was presented. A message is a
-- copy if an earlier presentation has the same or a higher counter; that holds for every order of arrival.
CREATE TABLE signed_message (
    credential_id bigint NOT NULL REFERENCES credential ON DELETE CASCADE,
    counter       bigint NOT NULL,
    seen_at       timestamptz NOT NULL,
    CONSTRAINT signed_message_once PRIMARY KEY (credential_id, counter)
);
-- When the counters before this migration were reached is not known: messages that are older and late may still count.
INSERT INTO signed_message (credential_id, counter, seen_at)
SELECT id, sun_counter, now() FROM credential WHERE sun_counter IS NOT NULL;
ALTER TABLE credential DROP COLUMN sun_counter;

ALTER TABLE tap ADD COLUMN counter bigint,
    DROP CONSTRAINT tap_verdict_known,
    ADD CONSTRAINT tap_verdict_known CHECK (verdict IN ('counts', 'full', 'doubtful', 'copied'));
COMMENT ON COLUMN tap.counter IS 'of a card that signs: the counter of its message';
COMMENT ON COLUMN tap.verdict IS
    'full: the reader turned the person away; doubtful: two places at once; copied: a later arrival proves it';
ALTER TABLE desk_tap ADD COLUMN counter bigint;

-- What a kiosk has to prove: a second keyed hash of the card, learned at the desk or at a door and on no list.
ALTER TABLE credential_pseudonym ADD COLUMN proof bytea
    CONSTRAINT credential_proof_is_sha256 CHECK (octet_length(proof) = 32);
COMMENT ON COLUMN credential_pseudonym.proof IS 'SHA-256 of the proof of this epoch; null: no reader gave one yet';
ALTER TABLE desk_tap ADD COLUMN proof bytea;

-- What was asked of a kiosk, without the person: limits its codes, and shows misuse to administrators.
CREATE TABLE kiosk_request (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id hub_id NOT NULL REFERENCES device ON DELETE CASCADE,
    at        timestamptz NOT NULL,
    outcome   text NOT NULL CONSTRAINT kiosk_request_outcome_known
              CHECK (outcome IN ('code', 'unproven', 'no-proof', 'wrong-proof', 'too-many'))
);
CREATE INDEX kiosk_request_device ON kiosk_request (device_id, at);

-- The tie between an account and a person: one account a person, made with a code from the kiosk at a known time.
ALTER TABLE account ADD COLUMN linked_at timestamptz;
UPDATE account SET linked_at = created_at WHERE person_id IS NOT NULL;
UPDATE account a SET person_id = NULL, linked_at = NULL
WHERE EXISTS (SELECT FROM account b WHERE b.person_id = a.person_id
              AND (coalesce(b.signed_in_at, b.created_at), b.id) > (coalesce(a.signed_in_at, a.created_at), a.id));
ALTER TABLE account ADD CONSTRAINT account_one_a_person UNIQUE (person_id);
ALTER TABLE person ADD COLUMN link_untold boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN person.link_untold IS 'an account was tied to the person: a reader says so at their next tap';

-- With which badge a code was got, and the session that it opened: one that is new opens its own visits only.
ALTER TABLE visit_code ADD COLUMN credential_id bigint REFERENCES credential ON DELETE CASCADE;
ALTER TABLE sign_in ADD COLUMN credential_id bigint REFERENCES credential ON DELETE CASCADE;
