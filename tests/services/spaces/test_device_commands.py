"""Devices by command: the same use cases as on the pages."""

import json
from datetime import UTC, datetime

from feed.ingest_setup import commit, device_in, rows
from feed.simulated_device import Device
from lanes.database_lane import Database
from services.spaces.test_register import hubwell

NOW = datetime.now(UTC).replace(microsecond=0)


def test_unknown_device_is_listed_ignored_registered_renamed_and_replaced(database: Database) -> None:
    url = database.url
    old = device_in(url, "lab", "lab-1")
    commit(url, [old.telemetry(NOW, {"co2": 500.0}), Device("esp-1").telemetry(NOW, {"co2": 600.0})])
    (listed,) = json.loads(hubwell(database, "device", "unknown", "--json").output)["devices"]
    assert (listed["id"], listed["series"], listed["ignored"]) == ("esp-1", "board/co2", "no")
    assert hubwell(database, "device", "ignore", "esp-1").output == "Device esp-1 is ignored.\n"
    (listed,) = json.loads(hubwell(database, "device", "unknown", "--json").output)["devices"]
    assert listed["ignored"] == "yes"
    assert hubwell(database, "device", "ignore", "esp-1", "--list-again").exit_code == 0
    assert hubwell(database, "device", "rename", "lab-1", "North wall").exit_code == 0
    assert hubwell(database, "device", "replace", "lab-1", "esp-1").exit_code == 0
    query = "SELECT id, name, space_id, archived_at IS NULL FROM device ORDER BY id"
    assert rows(url, query) == [("esp-1", "North wall", "lab", True), ("lab-1", "North wall", "lab", False)]
    actions = rows(url, "SELECT action, subject, detail FROM audit_entry ORDER BY id")
    assert actions[-1] == ("device.replaced", "device:lab-1", {"by": "esp-1"})
    wrong = hubwell(database, "device", "replace", "esp-1", "esp-1")
    assert (wrong.exit_code, wrong.output) == (2, "by: A device cannot replace itself. Choose another one.\n")


def test_device_that_is_added_to_another_space_leaves_what_it_measured(database: Database) -> None:
    url = database.url
    pi = device_in(url, "lab", "pi-1")
    device_in(url, "den", "other")
    commit(url, [pi.telemetry(NOW, {"co2": 500.0})])
    assert hubwell(database, "device", "add", "pi-1", "--space", "den").exit_code == 0
    query = "SELECT d.space_id, d.past_of FROM series s JOIN device d ON d.id = s.device_id"
    assert rows(url, query) == [("lab", "pi-1")]
    listed = json.loads(hubwell(database, "device", "list", "--json").output)["devices"]
    assert [item["id"] for item in listed] == ["other", "pi-1"]
    assert rows(url, "SELECT action FROM audit_entry") == [("device.moved",)]


def test_device_with_an_id_like_a_pseudonym_is_registered(database: Database) -> None:
    device_in(database.url, "lab", "other")
    name = "0123456789abcdef0123456789abcdef"
    assert hubwell(database, "device", "add", name, "--space", "lab").exit_code == 0
    assert hubwell(database, "device", "archive", name).exit_code == 0
    subjects = rows(database.url, "SELECT subject FROM audit_entry")
    assert subjects == [("device:0123456789abc.def0123456789.abcdef",)] * 2


def test_id_of_a_past_is_never_given_to_a_device(database: Database) -> None:
    url = database.url
    pi = device_in(url, "lab", "pi-1")
    device_in(url, "den", "other")
    commit(url, [pi.telemetry(NOW, {"co2": 500.0})])
    hubwell(database, "device", "add", "pi-1", "--space", "den")
    ((past,),) = rows(url, "SELECT id FROM device WHERE past_of IS NOT NULL")
    for words in (("add", past, "--space", "den"), ("archive", past), ("restore", past)):
        done = hubwell(database, "device", *words)
        assert done.exit_code == 2, words
    hubwell(database, "space", "archive", "lab")
    hubwell(database, "space", "restore", "lab")
    assert rows(url, "SELECT archived_at IS NULL FROM device WHERE id = %s", past) == [(False,)]
