# For the scripts that build and test: installs the Debian packages that are missing, runs commands quietly. To be sourced.

fail() {
    echo "$0: $*" >&2
    exit 1
}

# is_installed PACKAGE: of Boost.Context any version will do.
is_installed() {
    local name=$1
    [[ $name != libboost-context* ]] || name='libboost-context*-dev'
    dpkg-query -W -f='${Status}\n' "$name" 2>/dev/null | grep -q 'install ok installed'
}

missing_packages() {
    local package
    for package in "$@"; do
        is_installed "$package" || echo "$package"
    done
}

# install_missing PACKAGE...: says what it installs.
install_missing() {
    command -v dpkg-query >/dev/null || return 0 # not Debian: meson says what it does not find
    local missing as_root=()
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]})) || return 0
    echo "$0: installing ${missing[*]}"
    ((EUID == 0)) || as_root=(sudo)
    "${as_root[@]}" apt-get update -qq || fail "apt-get update failed"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes apt-get install -y -qq --no-install-recommends \
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

# configure NAME COMPILER OPTION...: sets up build/NAME, once.
configure() {
    local build=build/$1 compiler=$2
    shift 2
    mkdir -p "$build"
    [[ -f $build/build.ninja ]] || quietly "$build/setup.log" env CXX="$compiler" meson setup "$build" "$@"
}

# one_check LOG COMMAND...: prints the closing line of a check that either passes or fails; if it fails, the end of its log first.
one_check() {
    local log=$1
    shift
    if "$@" >"$log" 2>&1; then
        echo "1 passed, 0 failed"
    else
        tail -n 40 "$log"
        echo "0 passed, 1 failed"
    fi
}
