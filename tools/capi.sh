#!/bin/sh
# Builds the C interface as a shared library, or installs it.
#
#   tools/capi.sh [FOLDER]                      # default bin/capi
#   tools/capi.sh --install PREFIX [FOLDER]     # what was built; DESTDIR is honoured
#
# FOLDER gets the library, under the name of the system that GOOS names (this one by
# default), and anchorvk.h. To build for another system set GOOS, GOARCH and a CC
# that compiles for it:
#
#   GOOS=windows CC=x86_64-w64-mingw32-gcc tools/capi.sh out/windows
#
# GOFLAGS is honoured. Only the names in capi/exports.txt can be seen from outside.
set -eu

cd "$(dirname "$0")/.."
die() { printf 'capi: %s\n' "$*" >&2; exit 1; }

prefix=
case ${1-} in
-h | --help) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
--install)
	prefix=${2-}
	case $prefix in /*) ;; *) die "--install takes an absolute path, not '$prefix'" ;; esac
	shift 2
	;;
esac
out=${1:-bin/capi}
os=$(go env GOOS)
# Upper and lower half of AVK_ABI_VERSION; the upper one names the file.
abi=$(sed -n 's/^#define AVK_ABI_VERSION \(0x[0-9a-f]*\)u$/\1/p' capi/anchorvk.h)
major=$((abi >> 16)) minor=$((abi & 0xffff))

case $os in
windows) file=anchorvk.dll link=libanchorvk.dll.a ;;
darwin) file=libanchorvk.$major.dylib link=libanchorvk.dylib ;;
*) file=libanchorvk.so.$major link=libanchorvk.so ;;
esac

if [ -n "$prefix" ]; then
	[ -f "$out/$file" ] || die "no $out/$file: run make capi"
	root=${DESTDIR:-}$prefix
	mkdir -p "$root/include" "$root/lib/pkgconfig"
	cp capi/anchorvk.h "$root/include/anchorvk.h"
	if [ "$os" = windows ]; then
		mkdir -p "$root/bin"
		cp "$out/$file" "$root/bin/$file"
		cp "$out/$link" "$root/lib/$link"
	else
		cp "$out/$file" "$root/lib/$file"
		ln -sf "$file" "$root/lib/$link"
	fi
	cat >"$root/lib/pkgconfig/anchorvk.pc" <<-END
		prefix=$prefix
		includedir=\${prefix}/include
		libdir=\${prefix}/lib

		Name: anchorvk
		Description: Sparse prefill attention on Vulkan devices
		Version: $major.$minor
		Cflags: -I\${includedir}
		Libs: -L\${libdir} -lanchorvk
	END
	exit 0
fi

# The linker runs elsewhere, and splits its flags at spaces.
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
case $os in
windows) flags="-Wl,--out-implib,$tmp/$link" ;;
darwin)
	sed 's/^/_/' capi/exports.txt >"$tmp/exports"
	flags="-Wl,-exported_symbols_list,$tmp/exports -Wl,-install_name,@rpath/$file"
	;;
*)
	{ echo "{ global:"; sed 's/$/;/' capi/exports.txt; echo "local: *; };"; } >"$tmp/exports"
	flags="-Wl,--version-script=$tmp/exports -Wl,-soname,$file"
	;;
esac
vcs=$(git rev-parse HEAD >/dev/null 2>&1 && echo auto || echo false)
CGO_ENABLED=1 go build -buildvcs="$vcs" -buildmode=c-shared -ldflags "-extldflags '$flags'" -o "$tmp/$file" ./capi
# The header that go build writes is ours with the preambles of cgo: not for users.
mkdir -p "$out"
cp capi/anchorvk.h "$out/anchorvk.h"
mv "$tmp/$file" "$out/$file"
if [ "$os" = windows ]; then mv "$tmp/$link" "$out/$link"; else ln -sf "$file" "$out/$link"; fi
