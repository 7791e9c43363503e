#!/usr/bin/env bash
# Runs the two commands of README.md on a bare machine: a minimal Debian 12 in build/bare, made by debootstrap, in which no package of this
# machine hides one that a script forgets to install. Packages come from where this machine's own do. What is tested is the last commit.
# Takes root's rights, and is gone at the end, unless --keep says otherwise. Usage: tests/bare.sh [--keep] [STAGE...], of tests/run; gcc.
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/setup.sh
readonly release=bookworm root=$PWD/build/bare
((EUID == 0)) || fail "takes root's rights"

# Mounts of its own, which end with this process, however it ends; and processes, which end with it too.
[[ ${GROWSTACK_BARE-} ]] || GROWSTACK_BARE=1 exec unshare --mount --propagation private --pid --fork --kill-child "$0" "$@"

keep=
[[ ${1-} != --keep ]] || { keep=1; shift; }
(($#)) || set -- gcc

remove() {
    local place
    for place in dev sys proc; do
        ! mountpoint -q "$root/$place" || umount -R "$root/$place" || exit 1 # nothing of this machine may be removed
    done
    rm -rf --one-file-system "$root" "$root.keys"
}

# Debian's lists of packages as this machine has them: "REPOSITORY RELEASE COMPONENT".
repositories() { apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian'; }

# All keys that this machine's apt may know Debian, or a mirror, by.
keys() { find /usr/share/keyrings /etc/apt/keyrings /etc/apt/trusted.gpg.d -name '*.gpg' 2>/dev/null; }

# Proxies and the like, of apt's own configuration.
acquire_options() { apt-config dump | grep -E '^Acquire::(http|https|ftp|Check-|Retries|Languages|Force)' || true; }

make_root() {
    local mirror
    mirror=$(repositories | awk -v release=$release '$2 == release { print $1; exit }')
    [[ $mirror ]] || fail "this machine's apt knows no repository of $release"
    eval "$(apt-config shell http_proxy Acquire::http::Proxy https_proxy Acquire::https::Proxy)"
    export http_proxy https_proxy
    mkdir -p "$root"
    keys | xargs -r cat >"$root.keys"
    debootstrap --variant=minbase --keyring="$root.keys" $release "$root" "$mirror"
}

# What the root needs to reach the same packages.
carry_over() {
    repositories | sed 's/^/deb /' >"$root/etc/apt/sources.list"
    keys | xargs -r cp -t "$root/etc/apt/trusted.gpg.d"
    acquire_options >"$root/etc/apt/apt.conf.d/90carried"
    cp /etc/hosts /etc/resolv.conf "$root/etc/"
    if grep -q '^deb https:' "$root/etc/apt/sources.list"; then cp -r /etc/ssl/certs "$root/etc/ssl/"; fi
    mkdir "$root/growstack"
    git -c safe.directory='*' archive HEAD | tar -x -C "$root/growstack"
    [[ -z $(git -c safe.directory='*' status --porcelain) ]] || echo "what is not committed is not tested"
}

mount_all() {
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
}

# in_root COMMAND...: in the checkout there, with nothing of this machine's environment but the proxies.
in_root() {
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 ${http_proxy:+http_proxy="$http_proxy"} \
        ${https_proxy:+https_proxy="$https_proxy"} chroot "$root" env -C /growstack "$@"
}

passed=0 failed=0
count() {
    echo "-- $*"
    if in_root "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)) && echo "FAILED: $*"; fi
}

install_missing debootstrap git
remove
[[ $keep ]] || trap remove EXIT
mkdir -p build
quietly build/bare.log make_root
carry_over
mount_all
count ./tests/run "$@"
count ./bench/run --quick
echo "$passed passed, $failed failed"
((failed == 0))
