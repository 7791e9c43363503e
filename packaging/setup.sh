# For bench/run and tests/run: installs Debian packages that are missing, and runs commands quietly. To be sourced.

fail() {
    echo "$0: $*" >&2
    exit 1
}

is_installed() { dpkg-query -W -f='${Status}\n' "$1" 2>/dev/null | grep -q 'install ok installed'; }

missing_packages() {
    local package
    for package in "$@"; do
        is_installed "$package" || echo "$package"
    done
    # Any version of Boost.Context will do.
    is_installed 'libboost-context*-dev' || echo libboost-context1.81-dev
}

# install_missing PACKAGE...: and Boost.Context. Says what it installs.
install_missing() {
    command -v dpkg-query >/dev/null || return 0 # not Debian: meson says what it does not find
    local missing as_root=()
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]})) || return 0
    echo "$0: installing ${missing[*]}"
    ((EUID == 0)) || as_root=(sudo)
    "${as_root[@]}" apt-get update -qq || fail "apt-get update failed"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "${missing[@]}" >/dev/null || fail "could not install ${missing[*]}"
}

# quietly LOG COMMAND...: its output goes to a log, whose end is shown if the command fails.
quietly() {
    local log=$1
    shift
    "$@" >"$log" 2>&1 || {
        tail -n 40 "$log" >&2
        fail "failed: $* (all of its output: $log)"
    }
}
