#!/bin/sh
# Installs what building and running needs and this machine lacks: a C compiler,
# the Vulkan loader and, when there is no Vulkan driver, Mesa's (which carries
# lavapipe, a Vulkan device that runs on the CPU). Prints what it does; says
# nothing and takes well under a second when all is there.
#
# Installs with apt, as root or through sudo. Elsewhere it prints what to
# install, and fails if the build cannot go on without it.
#
#   tools/setup.sh          # for building and running here
#   tools/setup.sh cross    # a C compiler for Windows too, for tools/cross.sh
#   tools/setup.sh wine     # that, Wine and Xvfb, for tools/wine.sh
#   tools/setup.sh test     # what host programs of the tests need too: g++, pkg-config,
#                           # valgrind, Vulkan headers, libplacebo, Python with numpy
set -eu

say() { printf 'setup: %s\n' "$*" >&2; }

# ldconfig lies in sbin, which is not in every user's PATH.
PATH=$PATH:/usr/sbin:/sbin
os=$(uname -s)

# go env runs in the module, so a toolchain that go may fetch for it counts too.
check_go() {
	command -v go >/dev/null || {
		say "Go is missing. Install Go 1.24 or newer from https://go.dev/dl/ and put its bin folder in PATH."
		return 1
	}
	version=$(cd "$(dirname "$0")/.." && go env GOVERSION) || {
		say "Go cannot be used for this module (reason above). Install Go 1.24 or newer from https://go.dev/dl/."
		return 1
	}
	number=${version#go1.}
	[ "$number" = "$version" ] && return 0 # not a release's name: let go build judge
	[ "${number%%[!0-9]*}" -ge 24 ] || {
		say "Go is too old ($version). Install Go 1.24 or newer from https://go.dev/dl/."
		return 1
	}
}

has_compiler() {
	# CC may hold arguments, as in "ccache gcc".
	# shellcheck disable=SC2046
	echo '#include <stdlib.h>
	int main(void) { return EXIT_SUCCESS; }' | $(go env CC) -x c -o /dev/null - 2>/dev/null
}

any_exists() {
	for file; do
		if [ -e "$file" ]; then return 0; fi
	done
	return 1
}

has_loader() {
	case $os in
	Linux) ldconfig -p | grep -q 'libvulkan\.so\.1 ' ;;
	Darwin) any_exists /usr/local/lib/libvulkan.1.dylib /opt/homebrew/lib/libvulkan.1.dylib ;;
	*) [ -e "${SYSTEMROOT:-/c/Windows}/System32/vulkan-1.dll" ] ;;
	esac
}

# A driver counts if its device can be there: lavapipe needs none, the others a
# device node (an NVIDIA manifest alone may come with a container's image).
has_driver() {
	[ "$os" = Linux ] || return 0
	[ -z "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ] || return 0
	found=$(ls /usr/share/vulkan/icd.d/*.json /usr/local/share/vulkan/icd.d/*.json /etc/vulkan/icd.d/*.json \
		"${XDG_DATA_HOME:-$HOME/.local/share}"/vulkan/icd.d/*.json 2>/dev/null || true)
	case $found in
	*/lvp_icd*) return 0 ;;
	'') return 1 ;;
	esac
	any_exists /dev/dri/renderD* /dev/nvidia0 /dev/dxg /dev/mali0
}

# A Python that can build and test python/: the user's, else Debian's own.
has_python() {
	for python in ${PYTHON:-python3 /usr/bin/python3}; do
		if "$python" -c 'import ensurepip, numpy, setuptools, venv, wheel' 2>/dev/null; then return 0; fi
	done
	return 1
}

has_header() { echo "#include <$1>" | $(go env CC) -fsyntax-only -x c - 2>/dev/null; }

advise() {
	if [ "$for_test" = yes ]; then
		say "  for the tests of host programs: g++, pkg-config, valgrind, Vulkan headers, libplacebo with headers,"
		say "  Python 3 with numpy, setuptools, wheel and venv"
	fi
	case $os in
	Darwin)
		say "  macOS: xcode-select --install; brew install vulkan-loader molten-vk"
		;;
	Linux)
		say "  Debian, Ubuntu: apt-get install gcc libc6-dev libvulkan1 mesa-vulkan-drivers$([ $for_cross = no ] || echo " gcc-mingw-w64-x86-64-win32")"
		say "  Fedora:         dnf install gcc glibc-devel vulkan-loader mesa-vulkan-drivers"
		say "  Arch:           pacman -S gcc vulkan-icd-loader vulkan-swrast (or your GPU's: vulkan-radeon, vulkan-intel, nvidia-utils)"
		;;
	*)
		say "  Windows: the GPU vendor's driver brings the Vulkan loader; a C compiler for cgo is in MSYS2: pacman -S mingw-w64-ucrt-x86_64-gcc"
		;;
	esac
}

# Runs apt-get as root, whichever way there is; shows its output if it fails.
apt_as_root() {
	set -- env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 "$@"
	[ "$(id -u)" = 0 ] || set -- sudo "$@"
	log=$(mktemp)
	if "$@" >"$log" 2>&1; then
		rm "$log"
	else
		cat "$log" >&2
		rm "$log"
		return 1
	fi
}

can_install() {
	command -v apt-get >/dev/null || return 1
	[ "$(id -u)" != 0 ] || return 0
	command -v sudo >/dev/null || return 1
	# Ask for a password only where somebody can answer.
	sudo -n true 2>/dev/null || [ -t 0 ]
}

for_cross=no for_test=no for_wine=no
case ${1-} in
'') ;;
cross) for_cross=yes ;;
wine) for_cross=yes for_wine=yes ;;
test) for_test=yes ;;
*) say "unknown word '$1'; there are cross, wine and test"; exit 2 ;;
esac
check_go || exit 1

packages=
missing=
need() { # what, Debian packages
	missing="${missing:+$missing, }$1"
	packages="$packages $2"
}
has_compiler || need "a C compiler with its library's headers" "gcc libc6-dev"
has_loader || need "the Vulkan loader" libvulkan1
has_driver || need "a Vulkan driver" mesa-vulkan-drivers
if [ $for_cross = yes ] && ! command -v x86_64-w64-mingw32-gcc >/dev/null; then
	need "a C compiler for Windows" gcc-mingw-w64-x86-64-win32
fi
if [ $for_wine = yes ]; then
	command -v wine >/dev/null || need Wine "wine wine64"
	command -v xvfb-run >/dev/null || need "an X server without a screen" "xvfb xauth"
fi
if [ $for_test = yes ]; then
	command -v g++ >/dev/null || need "a C++ compiler" g++
	command -v pkg-config >/dev/null || need pkg-config pkg-config
	command -v valgrind >/dev/null || need valgrind valgrind
	has_header vulkan/vulkan.h || need "Vulkan headers" libvulkan-dev
	has_header libplacebo/vulkan.h || need libplacebo libplacebo-dev
	has_python || need "Python with numpy" "python3 python3-numpy python3-setuptools python3-venv python3-wheel"
fi
[ -n "$missing" ] || exit 0

say "missing: $missing"
if can_install; then
	say "installing:$packages"
	apt_as_root -qq update || say "apt-get update failed; going on with the package lists that are there"
	# shellcheck disable=SC2086
	apt_as_root -qq install --yes --no-install-recommends $packages || {
		say "apt-get could not install$packages (reason above)"
		exit 1
	}
	has_compiler || { say "there is still no working C compiler ($(go env CC)); set CC to one"; exit 1; }
	exit 0
fi

if command -v apt-get >/dev/null; then
	say "not root, and sudo cannot be used here. As root, run:"
	say "  apt-get install$packages"
else
	say "install:"
	advise
fi
has_compiler || { say "the build needs the C compiler: stopping"; exit 1; }
say "building goes on; running will need what is missing"
