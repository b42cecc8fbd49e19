#!/bin/sh
# Proves that a newcomer's first two commands work: makes a minimal Debian 12
# with nothing added but Go, make and git, clones HEAD into it, and times
# `make run` and `make test` there.
#
#   tools/bare-debian.sh [--keep] [TARGET...]     # default: run test
#
# Needs root (chroot, mounts in a private namespace) and debootstrap. apt's
# mirror, Go's module proxy, proxies and certificates are those of this machine.
# ANCHORVK_BARE names the folder to build in (default: a new one in TMPDIR); it
# is removed at the end unless --keep is given. Logins (apt's, ~/.netrc) are lent to
# it while the targets run, and never written into it.
set -eu

say() { printf 'bare-debian: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

here=$(cd "$(dirname "$0")" && pwd)

# Seconds that a target may take there.
limit_of() {
	case $1 in
	run) echo 300 ;;
	test) echo 1200 ;;
	*) echo 3600 ;;
	esac
}

# The second half: runs in a mount namespace of its own, so that whatever
# happens no mount is left behind.
inside() {
	root=$1
	shift
	mkdir -p "$root/usr/local/go"
	mount --bind "$(go env GOROOT)" "$root/usr/local/go"
	mount -o remount,bind,ro "$root/usr/local/go"
	mount -t proc proc "$root/proc"
	mount -t tmpfs tmpfs "$root/tmp"
	lend_logins "$root"
	for node in null zero full random urandom tty; do
		[ -e "$root/dev/$node" ] || : >"$root/dev/$node"
		mount --bind "/dev/$node" "$root/dev/$node"
	done
	failed=
	summary=
	for target; do
		say "make $target"
		start=$(date +%s)
		status=0
		# CI makes tests fail, not skip, when something is missing.
		# shellcheck disable=SC2046
		chroot "$root" env -i HOME=/root CI=true LANG=C.UTF-8 \
			PATH=/usr/local/go/bin:/usr/sbin:/usr/bin:/sbin:/bin \
			$(kept_environment) make -C /root/anchorvk "$target" </dev/null || status=$?
		took=$(($(date +%s) - start))
		limit=$(limit_of "$target")
		summary="$summary
make $target: status $status, $took s"
		if [ $status -ne 0 ]; then failed="$failed $target"; fi
		if [ $took -gt "$limit" ]; then failed="$failed $target(over $limit s)"; fi
	done
	say "on a bare Debian 12:$summary"
	[ -z "$failed" ] || die "failed:$failed"
}

# How this machine reaches its registries. Values with spaces do not occur.
kept_environment() {
	for v in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY PIP_INDEX_URL; do
		eval "value=\${$v:-}"
		if [ -n "$value" ]; then echo "$v=$value"; fi
	done
	for v in GOPROXY GONOPROXY GOPRIVATE GOSUMDB GONOSUMDB GOINSECURE; do
		value=$(go env $v)
		if [ -n "$value" ]; then echo "$v=$value"; fi
	done
}

# Debian's own archives out of apt's sources, for Debian 12.
debian_sources() {
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Origin: Debian' |
		awk '$2 ~ /^bookworm(-updates|-security)?$/ && $3 == "main" && !seen[$0]++ {
			print "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] " $1, $2, $3 }'
}

# What may hold a password: apt's sources, proxies and logins, and ~/.netrc. The
# files are in memory, or stay where they are, and are seen in the folder by mounts
# that end with the namespace, however it ends. What is kept has empty files.
lend_logins() {
	root=$1
	mount -t tmpfs -o mode=700 tmpfs "$root/mnt"
	debian_sources >"$root/mnt/sources.list"
	apt-config dump | grep -E '^Acquire::(Check|http|https|Retries|ForceIPv)' >"$root/mnt/80host" || true
	lend "$root/mnt/sources.list" "$root/etc/apt/sources.list"
	lend "$root/mnt/80host" "$root/etc/apt/apt.conf.d/80host"
	lend /etc/apt/auth.conf "$root/etc/apt/auth.conf"
	lend /etc/apt/auth.conf.d "$root/etc/apt/auth.conf.d"
	# apt drops its rights to read this one.
	lend "$HOME/.netrc" "$root/root/.netrc"
	umount -l "$root/mnt" # the mounts of its files remain
}

lend() { # a file or folder, if it exists, and where it is seen
	[ -e "$1" ] || return 0
	if [ -d "$1" ]; then mkdir -p "$2"; else : >"$2"; fi
	mount --bind "$1" "$2"
	mount -o remount,bind,ro "$2"
}

configure() {
	root=$1
	: >"$root/etc/apt/sources.list" # debootstrap's, with the mirror's address
	cp -L /etc/resolv.conf "$root/etc/resolv.conf"
	cp -L /etc/hosts "$root/etc/hosts"
	cp -L "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$root/etc/ssl/certs/ca-certificates.crt"
}

if [ "${1-}" = --inside ]; then
	shift
	inside "$@"
	exit
fi

keep=no
if [ "${1-}" = --keep ]; then
	keep=yes
	shift
fi
case ${1-} in
-h | --help) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
esac
[ $# -gt 0 ] || set -- run test

[ "$(id -u)" = 0 ] || die "needs root: sudo tools/bare-debian.sh"
for program in debootstrap git go unshare; do
	command -v $program >/dev/null || die "no $program: install it (apt-get install debootstrap git util-linux; Go from https://go.dev/dl/)"
done
mirror=$(debian_sources | awk '$4 == "bookworm" { print $3; exit }')
[ -n "$mirror" ] || die "apt's sources name no Debian 12 archive (or apt-get update has not run): this script needs a Debian 12 host"
[ -z "$(git -C "$here" status --porcelain)" ] || say "note: what is not committed is not in the clone"

root=${ANCHORVK_BARE:-$(mktemp -d)/debian}
trap '[ $keep = yes ] || rm -rf --one-file-system "$root"' EXIT
trap 'exit 130' INT TERM
[ ! -e "$root" ] || die "$root exists: remove it or set ANCHORVK_BARE to a new folder"
say "making a minimal Debian 12 in $root"
start=$(date +%s)
debootstrap --variant=minbase --include=ca-certificates,make,git bookworm "$root" "$mirror" >"$root.log" 2>&1 ||
	die "debootstrap failed, see $root.log"
rm -f "$root.log"
configure "$root"
git clone --quiet --no-local "$here/.." "$root/root/anchorvk"
say "made in $(($(date +%s) - start)) s; clone at $(git -C "$here" rev-parse --short HEAD)"
unshare --mount --propagation private "$here/bare-debian.sh" --inside "$root" "$@"
