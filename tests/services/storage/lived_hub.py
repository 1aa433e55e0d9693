"""A hub that lived for a while, so that every table holds something."""

from datetime import UTC, datetime, timedelta

from feed.ingest_setup import commit, device_in, reading, roll_up
from hubwell.storage.table_digest import TABLES, TableDigest, table_digest

REGISTER = """
INSERT INTO reader VALUES ('lab-pi', 'desk', 'desk') ON CONFLICT DO NOTHING;
INSERT INTO suspicion (credential_id, kind, at) SELECT id, 'revoked-used', now() FROM credential;
INSERT INTO course_session (title, purpose, space_id, during, owner_id, roll_until)
    VALUES ('Dovetails', 'who needs wood', 'lab', tstzrange(now(), now() + '1 h'), gen_random_uuid(),
            now() + '2 d');
INSERT INTO booking (space_id, atoms, during, title, shows_title, people, owner, created_at, changed_at)
    SELECT 'lab', array_agg(id), tstzrange(now(), now() + '1 h'), 'Robotics', true, 3, '', now(), now()
    FROM atom;
INSERT INTO booking_series (space_id, atoms, rule, zone, first_at, last_at, lasts, clock_change, title,
                            shows_title, people, owner, created_at)
    SELECT 'lab', array_agg(id), 'FREQ=DAILY;WKST=MO', 'Europe/Riga', now(), now() + '2 d', '1 h', 'shift',
           'Robotics', true, 3, '', now()
    FROM atom;
INSERT INTO series_skip SELECT id, now(), 'taken' FROM booking_series ON CONFLICT DO NOTHING;
INSERT INTO hold (booking_id, atom_id, during)
    SELECT b.id, a.id, tstzrange(lower(b.during), upper(b.during) + '15 min') FROM booking b, atom a
    WHERE NOT EXISTS (SELECT FROM hold) LIMIT 1;
INSERT INTO account (login, person_id) SELECT 'staff-' || n, person.id
    FROM (SELECT count(*) AS n FROM account) a, (SELECT id FROM person LIMIT 1) person
    ON CONFLICT (person_id) DO NOTHING;
INSERT INTO calendar_address (token_hash, shows, owner, created_at)
    SELECT sha256(n::text::bytea), 'own', 'account:' || gen_random_uuid(), now()
    FROM (SELECT count(*) AS n FROM calendar_address) c;
INSERT INTO account_role SELECT id, 'staff', 'local' FROM account ON CONFLICT DO NOTHING;
INSERT INTO account_identity SELECT 'https://id.example', id, id FROM account ON CONFLICT DO NOTHING;
INSERT INTO passkey (account_id, credential_id, attested, sign_count, name, added_at)
    SELECT id, sha256(id::text::bytea), 'key', 0, 'Phone', now() FROM account ON CONFLICT DO NOTHING;
INSERT INTO defect (space_id, kind, first_at, last_at, reports, closed_at, closed_by, note)
    SELECT 'lab', 'water', now(), now(), 2, now(), id, 'new tap' FROM account LIMIT 1;
INSERT INTO class_list (owner_id, started_at, used_at, taps_after)
    SELECT id, now(), now(), now() FROM account LIMIT 1;
INSERT INTO class_name (list_id, position, name) SELECT id, 1, 'Ada' FROM class_list ON CONFLICT DO NOTHING;
INSERT INTO service_token (name, token_hash, roles)
    SELECT 'program-' || n, sha256(n::text::bytea), '{osh}' FROM (SELECT count(*) AS n FROM service_token) t;
INSERT INTO audit_entry SELECT n, now(), 'cli', 'key.rotated', '', '{"epoch": 2}', '', sha256(n::text::bytea)
    FROM (SELECT count(*) + 1 AS n FROM audit_entry) e;
INSERT INTO deletion (class, why, rows, left_over) VALUES ('tap', 'retention', 3, 0);
INSERT INTO erased SELECT '\x01', sha256(n::text::bytea), now() FROM (SELECT count(*) AS n FROM erased) e;
INSERT INTO people_figure VALUES ('hub', '', clock_timestamp(), 15, 'half', NULL);
INSERT INTO people_gate VALUES ('hub', '', 15, now()) ON CONFLICT DO NOTHING;
UPDATE muster SET closed_at = now();
INSERT INTO muster (kind) VALUES ('drill');
INSERT INTO muster_person (muster_id, person_id, space_id, zone, since)
    SELECT m.id, p.id, 'lab', '', now() FROM muster m, person p WHERE m.closed_at IS NULL;
INSERT INTO demonstration DEFAULT VALUES ON CONFLICT DO NOTHING;
INSERT INTO unregistered_device (device_id, last_at, messages, series)
    VALUES ('attic-pi', now(), 3, '{"a/co2": "ppm"}') ON CONFLICT DO NOTHING;
INSERT INTO hub_profile (hub_name, zone, restore_proven_at)
    VALUES ('Our hub', 'Europe/Riga', now()) ON CONFLICT DO NOTHING;
INSERT INTO floor_plan (name, position, media_type, width, height, is_paper, digest, picture)
    SELECT 'Floor ' || n, n, 'image/webp', 2, 1, true, repeat('ab', 32), decode('000a095c2eff', 'hex')
    FROM (SELECT count(*) AS n FROM floor_plan) p;
INSERT INTO space_place SELECT 'lab', max(id), 12.5, 99 FROM floor_plan ON CONFLICT DO NOTHING;
INSERT INTO break_glass (muster_id, reason, requested_by, expires_at)
    SELECT id, 'who is missing', gen_random_uuid(), now() FROM muster WHERE closed_at IS NULL;
INSERT INTO sign_in (token_hash, account_id, csrf, expires_at)
    SELECT sha256('s'), id, 'c', now() FROM account LIMIT 1 ON CONFLICT DO NOTHING;
INSERT INTO visit_code SELECT sha256('c'), id, now() FROM person LIMIT 1 ON CONFLICT DO NOTHING;
INSERT INTO kiosk_request (device_id, at, outcome)
    SELECT 'lab-pi', now(), 'code' WHERE NOT EXISTS (SELECT FROM kiosk_request);
INSERT INTO screen (name, shows, device_id, reader, token_hash, seal_key, paired_at, last_seen_at,
        expires_at)
    SELECT 'Hall ' || n, 'kiosk', 'lab-pi', 'door', sha256(n::text::bytea), sha256('k'), now(), now(), now()
    FROM (SELECT count(*) AS n FROM screen) t;
INSERT INTO screen_code SELECT sha256('w'), 'K7M2XQ', now() ON CONFLICT DO NOTHING;
INSERT INTO signed_message SELECT id, 61, now() FROM credential ON CONFLICT DO NOTHING;
INSERT INTO door_request (space_id, wish, minutes, asked_at, expires_at)
    VALUES ('lab', 'take', 30, now(), now()) ON CONFLICT DO NOTHING;
INSERT INTO desk_tap (device_id, reader, badge, epoch)
    VALUES ('lab-pi', 'desk', decode(repeat('ab', 16), 'hex'), 1);
"""


def live(url: str) -> None:
    """Let a hub live for a while, so that every table holds something."""
    pi, den = device_in(url, "lab"), device_in(url, "den")
    # Of this moment: an alert of long ago is not sent.
    begin = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=30)
    packets = [
        pi.telemetry(begin + timedelta(minutes=n), {"co2": 1500.0 + n / 7, "presence": 1.0, "temp": -0.0})
        for n in range(25)
    ]
    packets += [pi.tap(begin, bytes(16)), den.tap(begin + timedelta(minutes=9), bytes(16)), pi.fault(begin)]
    pi.skip(3)
    packets += [pi.gap(begin, count=2, first=29, last=30), pi.raw(b'{"odd": "\\t\\n\\\\x"}\xff\x00')]
    packets += [den.telemetry(begin, {"co2": value, "temp": 20.0}) for value in (1.0, 2.0)]  # they clash
    packets += [pi.meta(name="Lab\tpi\\n", software="1.0"), pi.status(boot=pi.boot, last_seq=40)]
    commit(url, packets, webhook_url="http://127.0.0.1:9/")
    roll_up(url)
    commit(url, [pi.telemetry(begin + timedelta(minutes=26), {"co2": 1500.0})])  # not added up yet
    with reading(url) as conn:
        conn.execute(REGISTER)


def tables_of(url: str) -> dict[str, TableDigest]:
    with reading(url) as conn:
        return {table: table_digest(conn, table) for table in TABLES}
