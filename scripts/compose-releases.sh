# Sourced by scripts/hubwell-admin: backups, and going from one release to the next and back.
# shellcheck shell=bash
previous=${image:?}
previous=${previous%:*}:previous # the image of the release before
kept_backups=14

# Backups: a tar of the release, the database and the sealed secrets.

backup() { # [FILE] [IMAGE]: the image whose release made the schema
    local file
    file=${1:-$backups/hub-$(date -u +%Y%m%dT%H%M%SZ).tar}
    case $file in /*) ;; "$backups"/*) file=$PWD/$file ;; *) file=$(place "$file") ;; esac
    [ -s "$passphrase" ] || openssl rand -base64 18 >"$passphrase"
    make_scratch
    mkdir -p "$scratch/secrets"
    cp -a .env "$scratch/secrets/env"
    cp -a "$(certificates)" "$scratch/secrets/certificates"
    cp "$passphrase" "$scratch/passphrase"
    image=${2:-$image} with_database hubwell "hubwell backup /scratch/database.zip" >"$scratch/report"
    in_container none "$seal_secrets"
    git rev-parse HEAD >"$scratch/release"
    tar -C "$scratch" -cf "$file.partial" release database.zip secrets.sealed
    rm -rf "$scratch/secrets"
    sync "$file.partial"
    mv "$file.partial" "$file"
    say "$file: $(sed -n 's/.*: //p' "$scratch/report" | head -n 1) Secrets: sealed, and opened again."
    find "$backups" -maxdepth 1 -name 'hub-*.tar' | sort -r | tail -n +$((kept_backups + 1)) | xargs -r rm -f
    say "Next: copy it to another machine, and write down elsewhere the passphrase in $PWD/$passphrase."
}

seal_secrets='
cp -a /broker /keys /scratch/secrets/
if [ -f /grafana/grafana.db ]; then
    python -c "import sqlite3; sqlite3.connect(\"file:/grafana/grafana.db?mode=ro\", uri=True).backup(sqlite3.connect(\"/scratch/secrets/grafana.db\"))"
fi
tar -C /scratch/secrets --numeric-owner -cf /scratch/secrets.tar .
hubwell seal --passphrase-file /scratch/passphrase </scratch/secrets.tar >/scratch/secrets.sealed
hubwell unseal --passphrase-file /scratch/passphrase </scratch/secrets.sealed | cmp - /scratch/secrets.tar
rm /scratch/secrets.tar'

unpack() { # FILE PASSPHRASE_FILE: database.zip and release into the scratch folder, secrets into scratch/secrets
    [ -f "$1" ] || stop "There is no file $1."
    make_scratch
    tar -C "$scratch" -xf "$1" release database.zip secrets.sealed 2>/dev/null || stop "$1 is not a backup of hubwell-admin."
    cp "$2" "$scratch/passphrase"
    in_container none 'hubwell unseal --passphrase-file /scratch/passphrase </scratch/secrets.sealed >/scratch/secrets.tar'
}

drill() {
    local file=${1:-$(find "$PWD/$backups" -maxdepth 1 -name 'hub-*.tar' 2>/dev/null | sort | tail -n 1)}
    [ -n "$file" ] || stop "There is no backup in $backups yet: scripts/hubwell-admin backup"
    unpack "$(place "$file")" "$passphrase"
    # Not out of template1: TimescaleDB's own processes are connected to it now and then, and then it cannot be copied.
    quietly sql -d postgres -c "DROP DATABASE IF EXISTS hubwell_drill WITH (FORCE)" \
        -c "CREATE DATABASE hubwell_drill OWNER hubwell TEMPLATE template0"
    quietly sql -d hubwell_drill -c "CREATE EXTENSION IF NOT EXISTS timescaledb"
    local failed=''
    with_database hubwell_drill "hubwell restore /scratch/database.zip" >"$scratch/report" || failed=1
    sql -d postgres -c "DROP DATABASE hubwell_drill WITH (FORCE)"
    [ -z "$failed" ] || stop "$file cannot be restored: the lines above say why."
    with_database hubwell "hubwell hub restore-proven" >/dev/null ||
        say "The hub could not note it: its page Getting started takes the day by hand."
    say "$file can be restored: $(sed 's/.*: //' "$scratch/report") $(tar -tf "$scratch/secrets.tar" | grep -vc '/$') files of secrets open with the passphrase."
}

restore() {
    local file='' replace='' build=1 secret=''
    while [ $# -gt 0 ]; do
        case $1 in
        --replace) replace=1 ;;
        --no-build) build='' ;;
        --passphrase-file) secret=$(place "${2:?}") && shift ;;
        -*) usage ;;
        *) file=$(place "$1") ;;
        esac
        shift
    done
    [ -n "$file" ] || usage
    if [ -n "$(container database)" ] || docker volume inspect "${project}_database" >/dev/null 2>&1; then
        [ -n "$replace" ] || stop "This hub has data of its own. With --replace it is backed up and then replaced."
        bring_up --no-build
        backup "$backups/before-restore-$(date -u +%Y%m%dT%H%M%SZ).tar"
        quietly compose down --volumes
    fi
    [ -z "$build" ] || quietly docker build -t "$image" .
    make_scratch
    unpack "$file" "$(passphrase_for_restore "$secret")"
    take_secrets
    make_volumes
    in_container none "$put_secrets"
    quietly compose up -d --no-build database
    wait_for_database
    with_database hubwell "hubwell restore /scratch/database.zip" >"$scratch/report"
    bring_up --no-build
    git update-ref "$running" HEAD
    say "$file is restored: $(sed 's/.*: //' "$scratch/report") Keys, accounts, certificates and settings are those of the backup."
    say "Next: docker-compose exec api hubwell doctor. Devices come back by themselves where this machine has the name $(address)."
}

make_volumes() { # as Compose would, for what is put in before it starts
    local name label=com.docker.compose
    for name in keys broker-config grafana; do
        docker volume create --label "$label.project=$project" --label "$label.volume=$name" "${project}_$name" >/dev/null
    done
}

passphrase_for_restore() { # FILE or nothing: the file that has it
    if [ -z "$1" ]; then
        [ -t 0 ] || stop "Name the file with the backup's passphrase: --passphrase-file FILE"
        read -r -s -p "Passphrase of the backup: " typed </dev/tty
        echo >&2
        printf '%s\n' "$typed" >"$scratch/typed"
    fi
    printf '%s' "${1:-$scratch/typed}"
}

take_secrets() { # settings, certificates and passphrase of the backup become those of this clone
    mkdir "$scratch/secrets"
    tar -C "$scratch/secrets" --no-same-owner -xf "$scratch/secrets.tar"
    [ ! -f .env ] || mv .env .env.before-restore
    install -m 600 "$scratch/secrets/env" .env
    mkdir -p "$(certificates)"
    cp "$scratch"/secrets/certificates/* "$(certificates)/"
    chmod 644 "$(certificates)/ca.crt" "$(certificates)/server.crt"
    cp "$scratch/passphrase" "$passphrase"
}

put_secrets='
rm -rf /scratch/secrets && mkdir /scratch/secrets
tar -C /scratch/secrets --numeric-owner -xpf /scratch/secrets.tar
cp -a /scratch/secrets/broker/. /broker/
cp -a /scratch/secrets/keys/. /keys/
[ ! -f /scratch/secrets/grafana.db ] || install -o 472 -g 0 -m 640 /scratch/secrets/grafana.db /grafana/grafana.db'

# Upgrades. Data moves into a new volume, out of the backup, where the old one is of no use: another major version of
# PostgreSQL does not read its files, and a release of before had `hubwell` as the database's superuser.

has_old_superuser() { grep -q 'POSTGRES_USER: hubwell' "$1"; }
major_version() { sed -n 's/^ *image: timescale.*-pg\([0-9]*\)$/\1/p' "$1" | head -n 1; }
needs_new_volume() { # OLD NEW: their docker-compose.yml
    { has_old_superuser "$1" && ! has_old_superuser "$2"; } || [ "$(major_version "$1")" != "$(major_version "$2")" ]
}
tag_for() { # the image under the name that a release's docker-compose.yml has; those before December 2026 fix it
    docker tag "$previous" "$image"
    if grep -q 'image: hubwell:0.1.0' "$1"; then docker tag "$previous" hubwell:0.1.0; fi
}
forget_old_images() { # those of releases that are neither this one nor the one before
    docker image prune --force --filter label=org.opencontainers.image.title=Hubwell >/dev/null
}
dump_before() { printf '%s' "$PWD/$backups/before-upgrade-from-$(git rev-parse --short=12 "$1").tar"; }
fresh_database() { # an empty one in a new volume
    docker volume rm "${project}_database" >/dev/null
    quietly compose up -d --no-build database
    wait_for_database
}

update_extension() { # to the version of the image, before anything else uses it
    quietly compose up -d --no-build database
    wait_for_database
    sql -d hubwell -c "ALTER EXTENSION timescaledb UPDATE" 2>/dev/null ||
        say "TimescaleDB stays as it was: docker-compose logs --tail=20 database"
}

upgrade() {
    local old since
    fill_in_secrets
    old=$(git rev-parse --verify -q "$running" || git rev-parse --verify -q ORIG_HEAD) ||
        stop "Which release runs here is not known: git update-ref $running COMMIT"
    [ "$old" != "$(git rev-parse HEAD)" ] || stop "This release runs already: git pull brings a newer one."
    make_scratch
    git show "$old:docker-compose.yml" >"$scratch/old.yml"
    docker tag "$(docker inspect --format '{{.Image}}' "$(container api)")" "$previous"
    [ "${1:-}" = --no-build ] || quietly compose build
    since=$SECONDS # the pages are away: a page of the old release on the new schema would fail
    quietly compose stop api ingest worker
    backup "$(dump_before "$old")" "$previous"
    git update-ref "$before" "$old"
    quietly compose down --remove-orphans
    if needs_new_volume "$scratch/old.yml" docker-compose.yml; then
        fresh_database
        with_database hubwell "hubwell restore /scratch/database.zip" >"$scratch/report"
    fi
    update_extension
    bring_up --no-build
    git update-ref "$running" HEAD
    forget_old_images
    say "Upgraded from $(git rev-parse --short "$old") to $(git rev-parse --short HEAD); healthy after $((SECONDS - since)) s."
    say "Back again: scripts/hubwell-admin rollback"
}

rollback() {
    local old kept data=kept
    old=$(git rev-parse --verify -q "$before") && docker image inspect "$previous" >/dev/null 2>&1 ||
        stop "This hub has no earlier release to go back to."
    kept=$(dump_before "$old")
    make_scratch
    git show "$old:docker-compose.yml" >"$scratch/old.yml"
    quietly compose stop api ingest worker
    backup "$backups/before-rollback-$(date -u +%Y%m%dT%H%M%SZ).tar"
    if has_old_superuser "$scratch/old.yml" ||
        ! image=$previous with_database hubwell "hubwell migrate" >/dev/null 2>"$scratch/refused"; then
        data=''
        [ -f "$kept" ] || stop "The schema is newer and $kept is gone: going back is not possible. Start again: scripts/hubwell-admin start"
    elif needs_new_volume "$scratch/old.yml" docker-compose.yml; then
        data=moved
    fi
    quietly compose down --remove-orphans
    (umask 022 && git checkout --quiet --detach "$old") # containers read these files as users of their own
    tag_for docker-compose.yml
    if [ "$data" != kept ]; then
        fresh_database
        [ "$data" = moved ] || tar -C "$scratch" -xf "$kept" database.zip # else that of a moment ago is still there
        with_database hubwell "hubwell restore /scratch/database.zip" >"$scratch/report"
    fi
    bring_up --no-build
    git update-ref "$running" "$old"
    git update-ref -d "$before"
    say "Back at $(git rev-parse --short "$old")${data:+; all data is there.}"
    [ -n "$data" ] || say "The data is that of $(date -u -r "$kept" +%FT%TZ): the schema is older." \
        "What was stored since is in the newest of $backups/before-rollback-*; hubwell audit names it as missing."
}
