# Played by scripts/test-systemd: the guide from an empty Debian to a tap on the board, then faults while the device
# measures on.
# shellcheck shell=bash disable=SC2154,SC2034
install_hub
install_room
check "first start"
on hub "! tr '\\0' '\\n' < /proc/\$(systemctl show -P MainPID hubwell-api)/environ | grep -q BROKER_URL" || fail "the pages have the broker's password"
on hub "! find /etc/hubwell/hubwell.env /etc/hubwell/backup-passphrase /var/lib/hubwell-keys /var/lib/hubwell-backups /srv/hub-certificates/*.key /etc/mosquitto/hubwell -type f -perm /027 ! -name '*.crt' -ls | grep ." &&
    on room "! find /etc/hubwell-edge/badges /etc/hubwell-edge/mqtt_password /var/lib/private/hubwell-edge -perm /077 -ls | grep ." ||
    fail "secrets that others can read"
tap_on_board
server_commands=$(commands_at hub) edge_commands=$(commands_at room)
[ "$server_commands" -le 12 ] || fail "$server_commands commands for the server, 12 at most"
[ "$edge_commands" -le 6 ] || fail "$edge_commands commands for the device, 6 at most"
reached+=("From an empty Debian to a tap on the board: $((SECONDS - begun)) s")
section "a tap is on the board, after $server_commands commands on the server and $edge_commands on the device"
note_memory

# Faults, one after the other.

for unit in hubwell-ingest@1 hubwell-worker hubwell-api mosquitto "$(database_unit)" caddy; do
    killed_comes_back "$unit"
done

declare -A restarts_before=()
for unit in hubwell-ingest@1 hubwell-worker hubwell-api; do restarts_before[$unit]=$(restarts "$unit"); done
on hub "systemctl kill -s STOP --kill-whom=main hubwell-ingest@1 hubwell-worker hubwell-api"
# A backup meanwhile: it needs nothing but the database.
guide_at hub "hubwell-admin backup"
for unit in hubwell-ingest@1 hubwell-worker hubwell-api; do
    eventually 150 restarted "$unit" "${restarts_before[$unit]}" || fail "a hanging $unit is not restarted by its watchdog"
done
check "ingest, worker and api hang, a backup meanwhile"

power_cut hub && boot hub
check "power cut of the server"
power_off hub && boot hub
check "restart of the server"
power_cut room && boot room
check "power cut of the device"

for unit in hubwell-ingest@1 hubwell-worker hubwell-api; do
    on hub "systemctl stop $unit"
    [ "$(on hub "systemctl show -P ExecMainStatus $unit")" = 0 ] || fail "$unit does not end with success"
done
on hub "systemctl start hubwell.target"
check "orderly stop and start"
