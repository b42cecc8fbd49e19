# Sourced by the scripts here: puts Debian packages into a temporary folder and
# runs compute shaders with them. Needs apt, dpkg and a C compiler; no root.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 2; }

# The Debian archive that apt already uses, or an archive of former states of it.
mirror() {
	if [ -n "${ANCHORVK_DEBIAN_MIRROR:-}" ]; then
		echo "$ANCHORVK_DEBIAN_MIRROR"
		return
	fi
	# $(…) here are apt's own fields.
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(ORIGIN) $(COMPONENT) $(REPO_URI)' |
		awk '$1 == "Debian" && $2 == "main" { print $3; exit }'
}

# packages FOLDER COMMAND "SUITE..." PACKAGE=VERSION...: unpacks packages into
# $work/FOLDER; COMMAND is `install` (and what they depend on) or `download`.
packages() {
	root=$work/$1 command=$2 suites=$3
	shift 3
	state=$root.apt
	mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$root/usr/lib" "$root/usr/lib64" "$root/usr/bin" "$root/usr/sbin"
	for folder in lib lib64 bin sbin; do ln -s "usr/$folder" "$root/$folder"; done
	: >"$state/status"
	uri=$(mirror)
	[ -n "$uri" ] || die "no Debian archive in apt's sources: set ANCHORVK_DEBIAN_MIRROR to one"
	for suite in $suites; do
		echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main"
	done >"$state/sources.list"
	cat >"$state/apt.conf" <<-EOF
		Dir::State "$state";
		Dir::State::status "$state/status";
		Dir::Cache "$state/cache";
		Dir::Etc::sourcelist "$state/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		APT::Sandbox::User "";
		APT::Update::Error-Mode "any";
		APT::Keep-Downloaded-Packages "true";
		Acquire::Languages "none";
		Acquire::Retries "3";
	EOF
	(
		export APT_CONFIG="$state/apt.conf"
		cd "$state/cache/archives"
		apt-get -qq update
		# ${suites##* }: the last suite goes first.
		case $command in
		install) apt-get -qq install --yes --download-only --no-install-recommends -t "${suites##* }" "$@" ;;
		download) apt-get -qq download "$@" ;;
		esac
	) >&2 || die "apt cannot fetch $* of $suites (messages above)"
	for deb in "$state"/cache/archives/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --no-same-owner --keep-directory-symlink \
			--exclude='./usr/share/doc' --exclude='./usr/share/man' --exclude='./usr/share/locale'
	done
	rm -rf "$state"
}

# within FOLDER PROGRAM...: runs a program under the C library of $work/FOLDER.
within() {
	ld=$(echo "$work/$1"/usr/lib/*-linux-gnu*/ld-linux-*.so.*)
	shift
	"$ld" --library-path "${ld%/*}" "$@"
}

# The compiler of shaders, and Vulkan's headers for compute.c.
tools() {
	packages tools install trixie glslc=2025.2-1 spirv-tools=2025.1~rc1-1 libvulkan-dev=1.4.309.0-1 "$@"
	"${CC:-cc}" -std=c11 -O1 -I"$work/tools/usr/include" -o "$work/compute" "$here/compute.c" -ldl
}

# compile NAME <GLSL: makes $work/NAME.spv, which must be valid.
compile() {
	cat >"$work/$1.comp"
	within tools "$work/tools/usr/bin/glslc" --target-env=vulkan1.3 -O -o "$work/$1.spv" "$work/$1.comp"
	within tools "$work/tools/usr/bin/spirv-val" --target-env vulkan1.3 "$work/$1.spv"
}

# compute FOLDER LIBRARY NAME WORDS [HEX...]: runs a workgroup of $work/NAME.spv
# with the driver LIBRARY, under the C library of FOLDER; prints the buffer.
compute() {
	folder=$1 driver=$(echo "$work"/$2) module=$work/$3.spv
	shift 3
	MESA_SHADER_CACHE_DISABLE=true within "$folder" "$work/compute" "$driver" "$module" "$@"
}

# expect WHAT SEEN WANTED: prints what was seen, and notes whether it is new.
changed=no
expect() {
	printf '%s: %s\n' "$1" "$2"
	if [ "$2" != "$3" ]; then
		printf '  CHANGED: was %s\n' "$3"
		changed=yes
	fi
}

finish() {
	if [ $changed = yes ]; then exit 1; fi
	echo "as described"
}
