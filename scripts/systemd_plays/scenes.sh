# Sourced by scripts/test-systemd: what its plays have in common. `hub` is the server, `room` the device.
# shellcheck shell=bash disable=SC2154
missing_after=() reached=()
declare -A typed_lines=([hub]='' [room]='')
install_line="cd hubwell && scripts/install-server --name 'Learning hub' --zone Europe/Helsinki --address hub.example --yes"

section() { printf '== %4d s  %s\n' $((SECONDS - begun)) "$*"; }

# Typing.

type_at() { # MACHINE COMMAND: as an operator types it, counted
    typed_lines[$1]+="  $2"$'\n'
    on "$1" "$2" >"$work/$1.typed" 2>&1 || fail "'$2' on $1: $(tail -n 12 "$work/$1.typed")"
}
commands_at() { printf '%s' "${typed_lines[$1]}" | wc -l; } # MACHINE: how many were typed there
guide_at() { # MACHINE BEGINNING [WORD=REPLACEMENT]...: types the guide's command that begins so
    local machine=$1 line replacement
    line=$(PYTHONPATH=tests python3 -m deployments.guide "$2") || fail "the guide has no command '$2'"
    shift 2
    for replacement in "$@"; do line=${line//"${replacement%%=*}"/${replacement#*=}}; done
    type_at "$machine" "${in_clone[$machine]:-}$line"
}
declare -A in_clone=()
counted_at() { # MACHINE BEGINNING: the guide's command that begins so is counted; what it does, the play does
    local line
    line=$(PYTHONPATH=tests python3 -m deployments.guide "$2") || fail "the guide has no command '$2'"
    typed_lines[$1]+="  $line"$'\n'
}

# What the server says of itself.

sql_at_hub() { on hub "cd / && runuser -u postgres -- psql -qAtX -d hubwell -c \"$1\""; }
taps() { sql_at_hub "SELECT count(*) FROM tap"; }
readings() { sql_at_hub "SELECT count(*) FROM reading"; }
database_unit() { on hub "systemctl list-units --plain --no-legend 'postgresql@*' | cut -d' ' -f1"; }
password_of_device() { sed -n 's/^Password of .*: //p' "$work/hub.typed"; }
healthy() { on hub "hubwell doctor" && [ "$(taps)" -ge 0 ]; }
whole() { on hub "hubwell audit"; }
more_than() { [ "$(readings)" -gt "$1" ]; }
restarts() { on hub "systemctl show -P NRestarts $1"; } # UNIT
restarted() { [ "$(restarts "$1")" -gt "$2" ]; } # UNIT BEFORE
has_taps() { [ "$(taps)" -gt 0 ]; }

eventually() { # SECONDS COMMAND...: until it succeeds
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -le $deadline ] || return 1
        sleep 0.3
    done
}
flows() { # new readings come in
    local before
    before=$(readings) || return 1
    eventually 60 more_than "$before"
}
check() { # WHAT: healthy again, readings come in, nothing is missing
    local since=$SECONDS took
    eventually 120 healthy || fail "$1: not healthy: $(on hub "hubwell doctor" 2>&1 | head -n 6)"
    took=$((SECONDS - since))
    flows || fail "$1: no readings come in"
    eventually 90 whole || fail "$1: $(on hub "hubwell audit" | tail -n 4)"
    missing_after+=("$1: healthy after $took s, missing 0")
    section "$1: healthy after $took s, nothing is missing"
}
killed_comes_back() { # UNIT
    on hub "systemctl kill -s KILL --kill-whom=main '$1'"
    eventually 60 on hub "systemctl is-active '$1'" || fail "$1 stays down after kill -9"
    check "kill -9 of $1"
}
note_memory() {
    memory=$(on hub 'for unit in hubwell-api hubwell-ingest@1 hubwell-worker mosquitto; do
        printf "  %s %s MB\n" $unit $(( $(ps -o rss= -p $(systemctl show -P MainPID $unit)) / 1024 )); done
        printf "  /opt/hubwell on disk %s\n" "$(du -shL /opt/hubwell | cut -f 1)"')
    memory+=$'\n'$(on room 'printf "  hubwell-edge %s MB\n" $(( $(ps -o rss= -p $(systemctl show -P MainPID hubwell-edge)) / 1024 ))')
}

# The guide's way to a server and a device.

clone_to() { # MACHINE [COMMIT]: what `git clone` of the guide brings
    { if [ -n "${2:-}" ]; then git archive "$2"; else git ls-files -co --exclude-standard | tar -cf - -T -; fi; } |
        on "$1" "rm -rf hubwell && mkdir hubwell && tar -C hubwell -xf -"
}
cloned_at() { # MACHINE: the first two commands of the guide, of which the second copies instead of asking a network
    guide_at "$1" "apt update && apt install git"
    counted_at "$1" "git clone"
    clone_to "$1"
    in_clone[$1]="cd hubwell && "
}
install_hub() {
    local link installing=$SECONDS
    section "installing the server ($server)"
    cloned_at hub
    guide_at hub "scripts/install-server" "scripts/install-server=${install_line#*&& }"
    in_clone[hub]=''
    link=$(grep -o 'https://hub.example/setup?code=.*' "$work/hub.typed") ||
        fail "no link for the first account: $(tail -n 5 "$work/hub.typed")"
    [ "$(on hub "curl -ks -o /dev/null -w '%{http_code}' '$link'")" = 200 ] || fail "$link is no page"
    section "the server is healthy"
    reached+=("From an empty Debian to a healthy server: $((SECONDS - installing)) s")
    guide_at hub "hubwell space add wood-workshop"
    guide_at hub "hubwell-admin device add wood-workshop-1"
    password_of_device >"$work/password"
    guide_at hub "hubwell doctor"
    guide_at hub "hubwell-admin keys export badge-keys"
    guide_at hub "sed -i 's/^HUBWELL_UNKNOWN_BADGES="
}
install_room() {
    section "installing the device ($edge)"
    cloned_at room
    counted_at hub "scp"
    on room "useradd --create-home pi"
    on hub "tar -cf - badge-keys -C /etc/mosquitto/hubwell ca.crt" | on room "tar -C ~pi -xf - && chown -R pi: ~pi"
    on room "cat > /run/password" <"$work/password"
    guide_at room "scripts/install-edge --server hub.example --device wood-workshop-1 --ca ~pi/ca.crt --like door.toml" \
        "--simulate-hardware=--simulate-hardware --password-file /run/password"
    # A container has no NTP of its own; the guide's device has.
    on room "sed -i -e '1i clock = \"trust\"' -e 's/^every_s = 10/every_s = 5/' /etc/hubwell-edge/device.toml && systemctl restart hubwell-edge"
}
on_board() { [[ $(on hub "curl -ksf https://hub.example/") == *"$1"* ]]; } # TEXT: whether the board shows it
tap_on_board() {
    eventually 90 has_taps || fail "no tap arrives"
    eventually 30 on_board "Somebody is here" || fail "the board shows nothing of the tap"
}
