#!/bin/sh
# Installs the servers and the browser that the tests run against, from Debian's packages.
# Does nothing where they are all there; starts no system service; without rights says what to do.
set -eu

PACKAGES='unbound bind9 nsd knot knot-resolver prometheus prometheus-alertmanager chromium fonts-noto-cjk nats-server postgresql faketime'
PROGRAMS='unbound unbound-control named rndc nsd nsd-control knotd knotc kresd promtool prometheus prometheus-alertmanager amtool chromium nats-server initdb faketime'
POLICY=/usr/sbin/policy-rc.d
# A normal user's path often leaves out where the servers are.
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
for folder in /usr/lib/postgresql/*/bin; do # Debian keeps several releases beside each other
    PATH="$PATH:$folder"
done

main() {
    missing=$(missing_programs)
    if [ -z "$missing" ]; then
        echo 'servers for the tests: all here'
        return
    fi
    fresh=$(absent_packages)
    if ! command -v apt-get >/dev/null || ! has_rights; then
        echo "servers for the tests: missing:$missing; as root: apt-get install$fresh"
        return
    fi
    trap forbid_nothing EXIT
    trap 'exit 130' INT
    trap 'exit 143' HUP TERM
    forbid_services
    install_packages
    forbid_nothing
    disable_services
    missing=$(missing_programs)
    if [ -n "$missing" ]; then
        echo "servers for the tests: still missing:$missing" >&2
        exit 1
    fi
}

missing_programs() {
    for program in $PROGRAMS; do
        command -v "$program" >/dev/null || printf ' %s' "$program"
    done
}

absent_packages() {
    for package in $PACKAGES; do
        case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
        'install ok installed') ;;
        *) printf ' %s' "$package" ;;
        esac
    done
}

has_rights() {
    [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

# The packages' scripts would start servers on port 53. 101 means: action forbidden by policy.
forbid_services() {
    if [ -e "$POLICY" ]; then return; fi
    is_ours=yes
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$POLICY" >/dev/null
    as_root chmod 755 "$POLICY"
}

forbid_nothing() {
    if [ "${is_ours:-no}" = yes ]; then
        as_root rm -f "$POLICY"
        is_ours=no
    fi
}

install_packages() {
    has_candidates || as_root apt-get update
    # A list that is too old names files that are gone: then once more with a fresh one.
    apt_install || { as_root apt-get update && apt_install; }
}

has_candidates() {
    for package in $fresh; do
        apt-cache show "$package" >/dev/null 2>&1 || return 1
    done
}

apt_install() {
    # shellcheck disable=SC2086 # a list of words is meant
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes --no-install-recommends $fresh
}

# What was there before stays as its owner wants it.
disable_services() {
    if [ ! -d /run/systemd/system ]; then return; fi
    for package in $fresh; do
        case $package in
        bind9) as_root systemctl disable --now named.service ;;
        knot-resolver) as_root systemctl disable --now kresd.target kres-cache-gc.service ;;
        *) as_root systemctl disable --now "$package.service" ;;
        esac
    done
}

main
