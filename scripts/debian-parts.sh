# Sourced by the scripts that prepare or boot test parts: installs Debian packages and records missing parts.
# shellcheck shell=bash
missing=0

say() { printf '%s\n' "${0##*/}: $*"; }

lack() {
    say "missing: $*"
    missing=1
}

absent() { # prints those of the given Debian packages that are not installed
    local package
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || echo "$package"
    done
}

install_packages() {
    local wanted
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        lack "Debian's package manager; bring these another way: $*"
        return
    fi
    mapfile -t wanted < <(absent "$@")
    if [ ${#wanted[@]} -eq 0 ]; then
        say "Debian packages are there: $*"
    elif [ "$(id -u)" -ne 0 ]; then
        lack "Debian packages ${wanted[*]}; install them as root: apt-get install ${wanted[*]}"
    else
        say "installing Debian packages ${wanted[*]} ..."
        apt_install "${wanted[@]}" || lack "Debian packages ${wanted[*]}: apt-get failed, see above"
    fi
}

apt_install() {
    export DEBIAN_FRONTEND=noninteractive
    local wait=(-o DPkg::Lock::Timeout=300) # seconds for another installation to end
    apt-get "${wait[@]}" update -qq && apt-get "${wait[@]}" install -y -qq --no-install-recommends "$@" >/dev/null
}

# The Debian mirror that this machine is configured for.
mirror() {
    local codename
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Component: main' \
        "Codename: $codename" | head -n 1
}

finish() { # reports the result; with CI=true, missing parts are a failure
    if [ "$missing" -ne 0 ]; then
        say "some parts are missing: tests that need them are skipped here, and fail where CI=true"
        [ "${CI:-}" != true ] || exit 1
    else
        say "everything is there"
    fi
}
