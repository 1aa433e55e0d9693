# Played by scripts/test-systemd: a server and a device as an earlier release ($release) says in its guide; the upgrade to
# this tree while pages are asked and the device measures on; back over the changed schema, and forward again.
# shellcheck shell=bash disable=SC2154,SC2034

of_release() { git show "$release:$1"; }
block_of_release() { # HEADING: the first block of commands under this heading of that guide
    of_release docs/deployment.md | awk -v heading="## $1" '
        $0 == heading {here = 1; next} /^## / {here = 0} here && /^```sh/ {inside = 1; next} here && /^```/ && inside {exit} inside'
}
polls() { # asks for the board until ended, at the port that both releases have: seconds, answer
    on hub 'while :; do echo "$(date +%s.%N) $(curl -s -o /dev/null -m 5 -w "%{http_code}" http://127.0.0.1:8000/ || true)"; sleep 0.1; done'
}
away() { # seconds between the last good answer before the pages were away and the first one after
    awk '$2 == 200 {if (bad) {sum += $1 - good}; good = $1; bad = 0} $2 != 200 {bad = 1} END {printf "%.1f", sum}' "$work/polls"
}

# The earlier release, by its own guide.

section "installing release $release by its guide"
on hub "apt-get update -qq && apt-get install -y -qq sudo >/dev/null"
clone_to hub "$release"
clone_to room "$release"
block_of_release "On Debian, with systemd" | sed 's/^apt install/apt-get -qq -y install/' >"$work/by-hand"
on hub "cat > by-hand" <"$work/by-hand"
# Its migration asked for a right that its guide did not give.
on hub "cd hubwell && sed -i '/^export HUBWELL_ENV_FILE/i sudo -u postgres psql -qc \"GRANT pg_read_all_settings TO hubwell\"' ~/by-hand && bash -e ~/by-hand" \
    >"$work/hub.typed" 2>&1 || fail "release $release: $(tail -n 12 "$work/hub.typed")"
on hub "cd /var/lib/postgresql && as='sudo -u hubwell /opt/hubwell/bin/hubwell' && \$as space add wood-workshop --name 'Wood workshop' --kind workshop --capacity 14 && \$as device add wood-workshop-1 --space wood-workshop" \
    >"$work/hub.typed" 2>&1 || fail "release $release: $(tail -n 5 "$work/hub.typed")"
on hub "cd hubwell && firmware_configs/mosquitto/add-account device wood-workshop-1 && systemctl reload mosquitto" >"$work/account"
section "installing the device of that release"
on hub "cat /srv/hub-certificates/ca.crt" | on room "cat > hubwell/ca.crt"
grep -oE '[0-9A-Za-z+/=_-]{20,}' "$work/account" | tail -n 1 | on room "cat > password"
block_of_release "A Raspberry Pi" | sed 's/^apt install/apt-get -qq -y install/; s|/dev/stdin|~/password|; /hubwell-edge doctor/d; /enable --now/d' |
    on room "cat > by-hand"
on room "apt-get update -qq; for group in i2c gpio spi; do getent group \$group >/dev/null || groupadd --system \$group; done; cd hubwell && bash -e ~/by-hand" \
    >"$work/room.typed" 2>&1 || fail "the device of release $release: $(tail -n 12 "$work/room.typed")"
on room "cd /etc/hubwell-edge && sed -i '0,/^device = .*/s//device = \"wood-workshop-1\"/; 0,/^name = .*/s//name = \"wood-workshop-1\"/; 0,/^mqtt_username = .*/s//mqtt_username = \"wood-workshop-1\"/; 1i clock = \"trust\"' device.toml
    mkdir -p /etc/systemd/system/hubwell-edge.service.d && printf '[Service]\nExecStart=\nExecStart=/opt/hubwell/bin/hubwell-edge run --config /etc/hubwell-edge/device.toml --log-json --simulate-hardware\n' > /etc/systemd/system/hubwell-edge.service.d/simulated.conf
    systemctl daemon-reload && systemctl enable --quiet --now hubwell-edge"
eventually 90 more_than 0 || fail "release $release stores no readings"
before=$(readings)

# The upgrade.

section "upgrading, with $before readings"
clone_to hub
polls >"$work/polls" &
poller=$!
type_at hub "$install_line"
check "upgrade from $release"
kill "$poller" && wait "$poller" 2>/dev/null || true
answers=$(awk '{count[$2]++} END {for (code in count) printf " %s: %d", code, count[code]}' "$work/polls")
case $answers in *" 500:"*) fail "pages answer 500 during the upgrade:$answers" ;; esac
seconds_away=$(away)
section "upgrade: answers$answers, none 500 (000: no connection); pages were away for $seconds_away s"
[ "$(readings)" -gt "$before" ] || fail "the upgrade lost readings"

# Back over the changed schema: the data of before the upgrade; forward again, with what was stored meanwhile.

on room "systemctl stop hubwell-edge"
kept=$(readings)
guide_at hub "hubwell-admin rollback"
eventually 60 on hub "curl -sf -o /dev/null http://127.0.0.1:8000/" || fail "after going back the board is no page"
back=$(readings)
[ "$back" -ge "$before" ] && [ "$back" -le "$kept" ] || fail "after going back there are $back readings, $before before the upgrade"
section "back at $release, with the data of before the upgrade: $back of $kept readings"
type_at hub "$install_line"
set_aside=$(on hub "ls /var/lib/hubwell-backups/before-rollback-*.tar")
type_at hub "hubwell-admin restore $set_aside --replace --passphrase-file /etc/hubwell/backup-passphrase"
[ "$(readings)" = "$kept" ] || fail "forward again: $(readings) readings in place of $kept"
on room "systemctl start hubwell-edge"
check "back over a changed schema, and forward with the data set aside"

section "upgrading the device"
clone_to room
type_at room "cd hubwell && scripts/install-edge --simulate-hardware"
check "upgrade of the device"
note_memory
