#!/bin/sh
# Unpacks Debian packages of other releases beside the running system, without
# root and without touching it: the pinned shader compiler and Vulkan devices
# that need no GPU.
#
#   tools/sysroot.sh trixie            # build it if it is missing, print its path
#   tools/sysroot.sh --refresh testing # build it again (testing moves on)
#   tools/sysroot.sh --path trixie     # print its path; fail if it is not built
#   tools/sysroot.sh all
#
#   trixie       glslc, spirv-tools and jq of Debian 13: the pinned compiler
#   testing      newest Mesa, loader and its headers, validation layer, drm
#                shims and ggml
#   bookworm     Debian 12's Mesa, loader and layer: the oldest we support
#   swiftshader  the Vulkan device that Debian's chromium-common carries
#   drm-headers  libdrm's headers, which describe the kernel's graphics drivers too
#   llama        llama.cpp's library and headers (tools/capture/llama_capture.sh); not in all
#
# A sysroot is a closure of packages that apt resolves, downloads and verifies
# with the keys of the archive, unpacked but not configured: enough to run its
# programs and libraries through the sysroot's own ld.so (tools/with-device.sh).
# It lies in $ANCHORVK_SYSROOT, by default ~/.cache/anchorvk/sysroot.
set -eu

cache=${ANCHORVK_SYSROOT:-${XDG_CACHE_HOME:-$HOME/.cache}/anchorvk/sysroot}
keyrings=/usr/share/keyrings/debian-archive-keyring.gpg

say() { printf 'sysroot: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

packages_of() {
	case $1 in
	trixie) echo debian-archive-keyring glslc spirv-tools glslang-tools jq ;;
	testing) echo libvulkan1 libvulkan-dev mesa-vulkan-drivers vulkan-tools \
		vulkan-validationlayers mesa-drm-shim \
		libggml0 libggml0-backend-vulkan libggml-dev ;;
	bookworm) echo libvulkan1 mesa-vulkan-drivers vulkan-tools vulkan-validationlayers ;;
	swiftshader) echo chromium-common ;;
	drm-headers) echo libdrm-dev ;;
	llama) echo libllama-dev libggml-dev libggml0 ;;
	*) die "unknown sysroot '$1': use trixie, testing, bookworm, swiftshader, drm-headers or llama" ;;
	esac
}

suite_of() {
	case $1 in
	swiftshader) echo bookworm ;;
	drm-headers | llama) echo testing ;;
	*) echo "$1" ;;
	esac
}

# One file for each sysroot that must find all its libraries.
probe_of() {
	case $1 in
	trixie) echo usr/bin/glslc ;;
	testing | bookworm) echo usr/bin/vulkaninfo ;;
	esac
}

# The Debian archive this machine already installs from.
mirror() {
	if [ -n "${ANCHORVK_DEBIAN_MIRROR:-}" ]; then
		echo "$ANCHORVK_DEBIAN_MIRROR"
		return
	fi
	command -v apt-get >/dev/null ||
		die "needs apt (Debian or a relative); set ANCHORVK_DEBIAN_MIRROR and install apt, or run in a Debian container"
	id=$(. /etc/os-release && echo "${ID:-}")
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	uri=
	if [ "$id" = debian ]; then
		# $(…) here are apt's own fields.
		# shellcheck disable=SC2016
		uri=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' |
			awk -v r="$codename" '$1 ~ "^(" r "|stable|testing|sid|unstable)$" && $2 == "main" { print $3; exit }')
	fi
	[ -n "$uri" ] || die "no Debian mirror in apt's sources: set ANCHORVK_DEBIAN_MIRROR to one"
	echo "$uri"
}

# Keys newer than the host's come from a package that the host's keys vouch for:
# trixie's debian-archive-keyring.
keyring_for() {
	newer=$cache/trixie/$keyrings
	if [ "$(suite_of "$1")" = testing ]; then
		build trixie >/dev/null
		echo "$newer"
	elif [ -r "$keyrings" ]; then
		echo "$keyrings"
	else
		die "no $keyrings: install the package debian-archive-keyring"
	fi
}

# apt with its own state: neither reads nor changes what the host has installed.
private_apt() {
	apt-get -qq \
		-o Dir::State="$work/state" -o Dir::State::status="$work/state/status" \
		-o Dir::Cache="$work/cache" \
		-o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
		-o APT::Architectures="$(dpkg --print-architecture)" \
		-o APT::Sandbox::User= -o Acquire::Languages=none \
		-o APT::Update::Post-Invoke= -o APT::Update::Error-Mode=any -o APT::Keep-Downloaded-Packages=true \
		-o Acquire::Retries=3 "$@"
}

fetch() {
	private_apt update ||
		die "apt cannot read $(suite_of "$1") (messages above; if a key is missing, update the package debian-archive-keyring)"
	# shellcheck disable=SC2046
	case $1 in
	# The packages alone: what is taken from them needs nothing else, or only libc and libgcc.
	swiftshader | drm-headers) (cd "$work/cache/archives" && private_apt download $(packages_of "$1") >&2) ;;
	*) private_apt install --yes --download-only --no-install-recommends $(packages_of "$1") >&2 ;;
	esac || die "apt cannot fetch $(packages_of "$1") (messages above)"
}

unpack() {
	mkdir -p "$work/root/usr/lib" "$work/root/usr/lib64" "$work/root/usr/bin" "$work/root/usr/sbin"
	for d in lib lib64 bin sbin; do ln -s "usr/$d" "$work/root/$d"; done
	set -- --exclude='./usr/share/doc' --exclude='./usr/share/man' \
		--exclude='./usr/share/locale' --exclude='./usr/share/info'
	if [ "$name" = swiftshader ]; then set -- --wildcards './usr/lib/chromium/*vk_swiftshader*'; fi
	for deb in "$work"/cache/archives/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" |
			tar -x -C "$work/root" --no-same-owner --keep-directory-symlink "$@"
		dpkg-deb -W --showformat='${Package} ${Version}\n' "$deb" >>"$work/root/packages.txt"
	done
	link_alternatives
	absolute_manifests
}

# BLAS and LAPACK are chosen by update-alternatives, which has not run here.
link_alternatives() {
	for lib in "$work"/root/usr/lib/*/blas/lib*.so.? "$work"/root/usr/lib/*/lapack/lib*.so.?; do
		[ -e "$lib" ] || continue
		up=$(dirname "$(dirname "$lib")")
		ln -sf "$(basename "$(dirname "$lib")")/$(basename "$lib")" "$up/$(basename "$lib")"
	done
}

# Driver and layer manifests name their library without a folder, which the
# loader would look up in the host's: write copies that name the sysroot's.
absolute_manifests() {
	lib=$(cd "$work/root" && echo usr/lib/*-linux-gnu*)
	for kind in icd.d explicit_layer.d; do
		mkdir -p "$work/root/$kind"
		for json in "$work/root/usr/share/vulkan/$kind"/*.json; do
			[ -e "$json" ] || continue
			sed -E "s#(\"library_path\": *\")[^\"]*/?(lib[^\"/]*\")#\\1$dir/$lib/\\2#" "$json" \
				>"$work/root/$kind/$(basename "$json" | sed -E 's/\.[a-z0-9_]+\.json$/.json/')"
		done
	done
	if [ "$name" = swiftshader ]; then
		sed -E "s#\./(libvk_swiftshader)#$dir/usr/lib/chromium/\\1#" \
			"$work/root/usr/lib/chromium/vk_swiftshader_icd.json" >"$work/root/icd.d/vk_swiftshader_icd.json"
	fi
}

probe() {
	[ -n "$(probe_of "$1")" ] || return 0
	ld=$(echo "$work"/root/usr/lib/*-linux-gnu*/ld-linux-*.so.*)
	missing=$("$ld" --library-path "$(dirname "$ld")" --list "$work/root/$(probe_of "$1")" 2>&1 | grep -i 'not found' || true)
	[ -z "$missing" ] || die "$1 came out incomplete: $missing"
}

is_complete() { [ "$refresh" = no ] && [ "$(cat "$dir/.complete" 2>/dev/null)" = "$wanted" ]; }

build() (
	name=$1
	dir=$cache/$name
	# Whatever changes the result belongs in this line: the layout's version, the
	# place (manifests hold absolute paths) and the packages.
	wanted="3 $dir $(packages_of "$name")"
	if ! is_complete; then
		mkdir -p "$cache"
		exec 9>"$cache/.$name.lock"
		flock 9
		# Another process may have built it while we waited.
		is_complete || rebuild
	fi
	echo "$dir"
)

rebuild() {
	keyring=$(refresh=no && keyring_for "$name")
	uri=$(mirror)
	say "building $dir from $uri"
	work=$(mktemp -d "$cache/.$name.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	trap 'exit 130' INT TERM
	mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial"
	: >"$work/state/status"
	echo "deb [signed-by=$keyring] $uri $(suite_of "$name") main" >"$work/sources.list"
	fetch "$name"
	unpack
	probe "$name"
	echo "$wanted" >"$work/root/.complete"
	# Aside, not away: programs that run from it keep their files a moment longer.
	if [ -e "$dir" ]; then mv "$dir" "$work/old"; fi
	mv "$work/root" "$dir"
	say "built $dir ($(du -sh "$dir" | cut -f1))"
}

refresh=no
only_path=no
while [ $# -gt 0 ]; do
	case $1 in
	--refresh) refresh=yes ;;
	--path) only_path=yes ;;
	-h | --help) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
	-*) die "unknown option '$1' (see --help)" ;;
	*) break ;;
	esac
	shift
done
[ $# -gt 0 ] || die "usage: tools/sysroot.sh [--refresh|--path] trixie|testing|bookworm|swiftshader|drm-headers|llama|all..."
if [ "$1" = all ]; then set -- trixie testing bookworm swiftshader drm-headers; fi
for s; do
	if [ "$only_path" = yes ]; then
		packages_of "$s" >/dev/null
		[ -e "$cache/$s/.complete" ] || die "$cache/$s is not built: run tools/sysroot.sh $s"
		echo "$cache/$s"
	else
		build "$s"
	fi
done
