# Played by scripts/test-systemd: what goes wrong on a server that is not looked after, each with its sentence, and
# nothing missing afterwards. The cluster of PostgreSQL has the encoding SQL_ASCII, and its disk is small.
# shellcheck shell=bash disable=SC2154

says() { # TEXT COMMAND: the command fails on the server, and says the text
    if on hub "$2" >"$work/hub.said" 2>&1; then fail "'$2' succeeds in place of: $1"; fi
    grep -qF -- "$1" "$work/hub.said" || fail "'$2' does not say '$1': $(tail -n 8 "$work/hub.said")"
    ! grep -q Traceback "$work/hub.said" || fail "'$2' shows a traceback: $(tail -n 8 "$work/hub.said")"
}
no_more_log() { # the database has used up the segments of its log that it made before the disk was full
    ! sql_at_hub "SELECT pg_current_xact_id(), pg_switch_wal()"
}
new_certificate() { # DAYS from now at which it ends, made as the tool of the guide does
    on hub "cd /srv/hub-certificates && openssl x509 -in server.crt -noout -ext subjectAltName | tail -n 1 | sed 's/^ */subjectAltName=/; s/IP Address/IP/g' > names &&
        openssl req -new -key server.key -subj '/CN=Hubwell broker' -out request && openssl x509 -req -in request -CA ca.crt -CAkey ca.key -CAcreateserial \
        -days $1 -extfile names -out server.crt 2>/dev/null && rm request names && cp server.crt /etc/mosquitto/hubwell/server.crt && systemctl restart mosquitto"
}
warns() { [[ $(on hub "hubwell doctor" 2>&1 || true) == *"$1"* ]]; } # TEXT: the doctor's findings hold it

on hub "apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql python3 >/dev/null 2>&1"
on hub "cd / && set -- \$(pg_lsclusters -h | head -n 1) && pg_dropcluster --stop \$1 \$2 && LC_ALL=C pg_createcluster --encoding SQL_ASCII --locale C \$1 \$2 --start >/dev/null 2>&1"
[ "$(on hub "cd / && runuser -u postgres -- psql -qAtXc 'SHOW server_encoding'")" = SQL_ASCII ] || fail "the cluster is not of SQL_ASCII"

# A port that another program has, before and after the installation.
on hub "systemd-run --quiet --unit=other python3 -m http.server 8883"
eventually 20 on hub "ss -Hltn 'sport = :8883' | grep -q ." || fail "nothing takes port 8883"
clone_to hub
says "Port 8883, of the broker, is taken by python3" "$install_line"
on hub "systemctl stop other"

install_hub
install_room
check "first start over a cluster of SQL_ASCII"
on hub "cd / && runuser -u postgres -- createdb --template template0 --encoding SQL_ASCII --owner hubwell ascii"
says "SQL_ASCII" "HUBWELL_DATABASE_URL=postgresql:///ascii hubwell migrate"

on hub "systemctl stop hubwell-api && systemd-run --quiet --unit=other python3 -m http.server 8000 && systemctl start --no-block hubwell-api"
eventually 60 warns "answered 404" || fail "doctor does not see that the pages are away"
says "Port 8000, of the pages, is taken by python3" "$install_line"
on hub "systemctl stop other"
check "port of the pages taken"

# The disk of the database is full, then has space again; nobody starts anything by hand.
on hub "fallocate -l \$(df --output=avail -B1 /var/lib/postgresql | tail -n 1) /var/lib/postgresql/filled || dd if=/dev/zero of=/var/lib/postgresql/filled bs=64k" >/dev/null 2>&1 || true
eventually 120 warns "0.0 GB free where the database is" || fail "doctor does not see the full disk: $(on hub "hubwell doctor" 2>&1 | head -n 6)"
eventually 60 no_more_log || fail "the database writes on, on a full disk"
sleep 20
lines=$(on hub "journalctl --quiet --no-pager --since=-20s -u 'hubwell-*' | wc -l")
[ "$lines" -le 40 ] || fail "$lines lines of log in 20 s without a database"
reached+=("Lines of log in 20 s without a database: $lines")
on hub "rm /var/lib/postgresql/filled"
check "disk of the database full"

# A wrong password of the database is named, and nothing waits for ever.
on hub "cp -a /etc/hubwell/hubwell.env kept.env && sed -i 's|^HUBWELL_DATABASE_URL=.*|HUBWELL_DATABASE_URL=postgresql://hubwell:wrong@127.0.0.1/hubwell|' /etc/hubwell/hubwell.env && systemctl restart --no-block hubwell.target"
says "The password in HUBWELL_DATABASE_URL is not the one of the database's role." "hubwell migrate"
says "The password in HUBWELL_DATABASE_URL is not the one of the database's role." "hubwell doctor"
says "The password in HUBWELL_DATABASE_URL is not the one of the database's role." "$install_line"
on hub "cp -a kept.env /etc/hubwell/hubwell.env && systemctl restart hubwell.target"
check "wrong password of the database"

# The broker's certificate: near its end, and over it.
on hub "cp -a /srv/hub-certificates kept-certificates"
new_certificate 30
warns "29 days from now" || warns "30 days from now" || fail "doctor does not see the end of the certificate: $(on hub "hubwell doctor" 2>&1 | grep certificate)"
new_certificate 0
eventually 30 warns "certificate has expired" || fail "doctor does not name the expired certificate: $(on hub "hubwell doctor" 2>&1 | head -n 4)"
edge_doctor="/opt/hubwell/bin/hubwell-edge doctor --config /etc/hubwell-edge/device.toml --secrets /etc/hubwell-edge"
[[ $(on room "$edge_doctor" 2>&1 || true) == *expired* ]] || fail "the device's doctor does not name the expired certificate"
guide_at hub "hubwell-admin certificates renew"
check "certificate over its end, and renewed"

# A second process under the name of the first; two, under names of their own.
says "Another ingest process runs as 1" "hubwell ingest --worker 1"
guide_at hub "systemctl enable --now hubwell-ingest@2"
check "two ingest processes"
on hub "systemctl disable --quiet --now hubwell-ingest@2"

# A device with a used outbox gets another name: it counts from one, and what waits under the old name comes when it is back.
becomes() { # ID, with its password on standard input
    on room "cat > /etc/hubwell-edge/mqtt_password && sed -i -e '0,/^device = .*/s//device = \"$1\"/' -e '0,/^mqtt_username = .*/s//mqtt_username = \"$1\"/' /etc/hubwell-edge/device.toml && systemctl restart hubwell-edge"
}
guide_at hub "hubwell-admin device add wood-workshop-1" wood-workshop-1=second-1
password_of_device | becomes second-1
second_sends() { [ "$(sql_at_hub "SELECT count(*) FROM series WHERE device_id = 'second-1'")" -gt 0 ]; }
eventually 60 second_sends || fail "nothing comes in under the new name"
eventually 60 on hub "hubwell audit --device second-1" || fail "under the new name: $(on hub "hubwell audit --device second-1")"
becomes wood-workshop-1 <"$work/password"
check "used outbox under another name, and back"
note_memory
