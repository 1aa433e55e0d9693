# Sourced by scripts/test-distributions, for its root file systems, and by scripts/test-systemd: Debian machines with a
# real systemd, each in namespaces of its own. Needs root.
# Sets nothing on the host: no network interface, no unit, no machine registered; `machines_end` removes all of it.
# shellcheck shell=bash disable=SC2154  # the caller sets `work` and `bases`

systemd_base=systemd-sysv,systemd-resolved,dbus,libpam-systemd,ca-certificates,curl,procps,iproute2
machine_packages=(systemd-container slirp4netns mmdebstrap debian-archive-keyring)
declare -A leader=() nspawn=() network=()

make_base() { # SUITE NAME PACKAGES: a root file system of Debian or Ubuntu, kept for the next time as NAME.tar
    local suite=$1 name=$2 include=$3 source components=main keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -s "$bases/$name.tar" ] && return
    source=$(mirror)
    [ -n "$source" ] || fail "apt knows no Debian mirror: apt-get update"
    mkdir -p "$bases"
    if [ "$suite" = noble ]; then
        source=${source%/debian*}/ubuntu components=main,universe keyring=$bases/ubuntu.gpg
        fetch_ubuntu_key "$source" "$keyring"
    fi
    mmdebstrap --quiet --format=tar --variant=important --dpkgopt=force-unsafe-io --include="$include" \
        --components="$components" --keyring="$keyring" "$suite" "$bases/$name.tar.new" "$source"
    mv "$bases/$name.tar.new" "$bases/$name.tar"
}

# The signing key of Ubuntu's archive, by its fingerprint, out of the package that every Ubuntu has; Debian 12 has it not.
ubuntu_key=F6ECB3762474EDA9D21B7022871920D1991BC93C
fetch_ubuntu_key() { # MIRROR KEYRING
    local apt=$bases/ubuntu-apt
    rm -rf "$apt"
    mkdir -p "$apt/lists/partial" "$apt/archives/partial"
    echo "deb [trusted=yes] $1 noble main" >"$apt/sources.list" # the fingerprint decides whether it is trusted
    printf '%s;\n' "Dir::Etc::SourceList \"$apt/sources.list\"" "Dir::Etc::SourceParts \"/dev/null\"" \
        "Dir::State::Lists \"$apt/lists\"" "Dir::Cache \"$apt\"" >"$apt/apt.conf"
    (cd "$apt" && export APT_CONFIG=$apt/apt.conf && apt-get update -qq && apt-get download -qq ubuntu-keyring) >/dev/null 2>&1 ||
        fail "the Debian mirror of this machine has no Ubuntu beside it: $1"
    dpkg-deb -x "$apt"/ubuntu-keyring*.deb "$apt/package"
    GNUPGHOME=$apt gpg --quiet --no-default-keyring --keyring "$apt/package/usr/share/keyrings/ubuntu-archive-keyring.gpg" \
        --export "$ubuntu_key" >"$2" 2>/dev/null
    [ -s "$2" ] || fail "the package ubuntu-keyring of $1 does not hold the key $ubuntu_key"
    rm -rf "$apt"
}

clear_work() { # what a killed run, or one with --keep, left
    local place left
    [ -d "$work" ] || return 0
    for left in $(pgrep -f -- "^systemd-nspawn .*--directory=$work/"); do pkill -9 -P "$left" || true; done
    for left in $(pgrep -f -- "^slirp4netns .*$work/ns/"); do kill "$left" || true; done
    while read -r place; do umount "$place" || true; done < <(awk -v w="$work/" 'index($2, w) == 1 {print $2}' /proc/mounts | sort -r)
    rm -rf --one-file-system "$work"
}

make_machine() { # NAME SUITE
    empty_machine "$1" "$2"
    make_network "$1"
}

empty_machine() { # NAME SUITE: its root file system as a Debian installer leaves it, in place of any that is there
    local root=$work/$1
    rm -rf --one-file-system "$root"
    mkdir -p "$root"
    tar -C "$root" -xpf "$bases/systemd-$2.tar"
    rm -f "$root/etc/resolv.conf"
    echo nameserver 10.0.2.3 >"$root/etc/resolv.conf"
    echo "$1" >"$root/etc/hostname"
    printf '127.0.0.1 localhost %s\n192.0.2.7 hub.example\n' "$1" >"$root/etc/hosts"
    borrow_host_settings "$root"
    # Nobody is there to answer, and nothing has to outlive a power cut while packages are installed.
    echo 'APT::Get::Assume-Yes "true"; APT::Install-Recommends "false";' >"$root/etc/apt/apt.conf.d/99test"
    echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/test"
    : >"$root/etc/machine-id"
}

borrow_host_settings() { # ROOT: what this host needs to reach its package index and mirror, the machine needs too
    cp /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/ca-certificates.crt"
    [ ! -f /etc/pip.conf ] || cp /etc/pip.conf "$1/etc/pip.conf"
    cat /etc/apt/apt.conf.d/*check* /etc/apt/apt.conf.d/99* >"$1/etc/apt/apt.conf.d/99host" 2>/dev/null || true
}

make_network() { # NAME: its own namespace; packets leave through a process of user mode
    mkdir -p "$work/ns"
    touch "$work/ns/$1"
    unshare --net="$work/ns/$1" true
    nsenter --net="$work/ns/$1" ip link set lo up
    slirp4netns --netns-type=path --configure --mtu=65520 --disable-host-loopback "$work/ns/$1" tap0 \
        >"$work/$1.network.log" 2>&1 &
    network[$1]=$!
}

connect_machines() { # SERVER EDGE: a cable between them, 192.0.2.7 and 192.0.2.8
    local inside resident # a process that is surely in the other namespace; else the cable's end would go to the host
    exec {inside}< <(exec nsenter --net="$work/ns/$2" sh -c 'echo $$; exec sleep 60')
    read -r resident <&"$inside"
    nsenter --net="$work/ns/$1" ip link add lan0 type veth peer name lan1 netns "$resident"
    kill "$resident"
    exec {inside}<&-
    nsenter --net="$work/ns/$1" ip addr add 192.0.2.7/24 dev lan0
    nsenter --net="$work/ns/$1" ip link set lan0 up
    nsenter --net="$work/ns/$2" ip addr add 192.0.2.8/24 dev lan1
    nsenter --net="$work/ns/$2" ip link set lan1 up
}

boot() { # NAME: returns when systemd says that the machine is up
    local deadline=$((SECONDS + 60)) state
    SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn --quiet --boot --register=no --keep-unit --directory="$work/$1" \
        --machine="$1-$$" --hostname="$1" --network-namespace-path="$work/ns/$1" --resolv-conf=off --timezone=off --link-journal=no \
        --console=pipe "${binds[@]}" >>"$work/$1.console" 2>&1 </dev/null &
    nspawn[$1]=$!
    until leader[$1]=$(pgrep -x systemd -P "${nspawn[$1]}"); do # not nspawn's helper, which is its first child
        [ $SECONDS -lt $deadline ] || fail "$1 does not boot: $(tail -n 5 "$work/$1.console")"
        sleep 0.1
    done
    until state=$(on "$1" "systemctl is-system-running" 2>/dev/null) || [ "$state" = degraded ]; do
        [ $SECONDS -lt $deadline ] || fail "$1 does not boot (it is ${state:-silent}): $(tail -n 5 "$work/$1.console")"
        sleep 0.2
    done
}

on() { # NAME COMMAND: runs it as root, in root's home
    nsenter -t "${leader[$1]}" -m -u -i -n -p -C -r -w env -i HOME=/root LANG=C.UTF-8 TERM=dumb USER=root DEBIAN_FRONTEND=noninteractive \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin bash -c "cd; $2"
}

power_cut() { # NAME
    pkill -9 -P "${nspawn[$1]}" || true
    gone "$1"
}

gone() { # NAME: waits until nspawn has let go of the root file system
    wait "${nspawn[$1]}" 2>/dev/null || true
    while kill -0 "${nspawn[$1]}" 2>/dev/null; do sleep 0.1; done
}

power_off() { # NAME: an orderly shutdown
    on "$1" "systemctl poweroff" >/dev/null 2>&1 || true
    gone "$1"
}

machines_end() {
    local name
    for name in "${!nspawn[@]}"; do
        if kill -0 "${nspawn[$name]}" 2>/dev/null; then power_cut "$name"; fi
    done
    for name in "${!network[@]}"; do
        kill "${network[$name]}" 2>/dev/null || true
        wait "${network[$name]}" 2>/dev/null || true
        umount "$work/ns/$name" 2>/dev/null || true
        rmdir "/run/systemd/nspawn/propagate/$name-$$" 2>/dev/null || true
    done
    rm -rf --one-file-system "$work"
}
