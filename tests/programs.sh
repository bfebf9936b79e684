#!/usr/bin/env bash
# Install the programs that the tests use and pip does not have: Chromium, gettext, and docker's compose command.
# No docker engine has to run.
set -euo pipefail

fail() { echo "$*" >&2; exit 1; }
has_compose() { docker compose version 2>/dev/null | grep -qi 'compose version'; }
install() {
    local needed="Needed for the tests: $*."
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || fail "$needed Install it and try again."
    apt-get update -qq || fail "$needed It could not be installed: is there a network?"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null \
        || fail "$needed It could not be installed."
}

# Print the package mirror that this machine uses.
mirror_of_apt() {
    local sources
    sources=$(ls /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null || true)  # one may be missing
    # shellcheck disable=SC2086 # several files
    awk '/^URIs:/ {print $2} /^deb / {for (i = 2; i <= NF; i++) if ($i ~ /^https?:/) print $i}' $sources \
        | grep -v security | sed -n 1p
}

# Debian 12 has compose 1 only. Take the package of compose 2 from Debian 13, from the same mirror, and install it as
# a plugin of this user.
compose_of_debian_13() {
    local mirror work
    mirror=$(mirror_of_apt)
    [ -n "$mirror" ] || fail "Needed for the tests: docker compose 2. Install it and try again."
    work=$(mktemp -d)
    trap 'rm -rf "$work"' RETURN
    mkdir -p "$work"/{lists/partial,cache/archives/partial,debs,root}
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >"$work/sources.list"
    : >"$work/status"
    local apt=(apt-get
        -o Dir::Etc::SourceList="$work/sources.list"
        -o Dir::Etc::SourceParts=/dev/null
        -o Dir::State::Lists="$work/lists"
        -o Dir::State::status="$work/status"
        -o Dir::Cache="$work/cache"
        -o APT::Sandbox::User=root)
    (cd "$work/debs" && "${apt[@]}" update -qq && "${apt[@]}" download -qq docker-compose) >/dev/null \
        || fail "docker compose could not be downloaded: is there a network?"
    dpkg-deb -x "$work"/debs/docker-compose_*.deb "$work/root"
    local plugins="${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins"
    mkdir -p "$plugins"
    cp "$work/root/usr/libexec/docker/cli-plugins/docker-compose" "$plugins/"
}

# Chromium, if there is a choice its build without a window, which is lighter.
[ -n "${CHROMIUM:-}" ] || command -v chromium-headless-shell >/dev/null \
    || (install chromium-headless-shell) 2>/dev/null || command -v chromium >/dev/null || install chromium
command -v xgettext >/dev/null || install gettext
if ! has_compose; then
    command -v docker >/dev/null || install docker.io
    has_compose || compose_of_debian_13
    has_compose || fail "Needed for the tests: docker compose 2. Install it and try again."
fi
