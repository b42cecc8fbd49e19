#!/bin/sh
# Runs the Windows build of anchorvk under Wine, on the Vulkan device of this
# machine: winevulkan hands the calls to its loader.
#
#   tools/wine.sh                      # misuse of anchorvk.dll, verify -q, then a run compared with the native one
#   tools/wine.sh COMMAND [FLAG...]    # anchorvk.exe COMMAND ...
#
# Needs the mingw-w64 compiler, Wine and Xvfb (tools/setup.sh wine installs
# them). Everything else is temporary.
set -eu
cd "$(dirname "$0")/.."
tools/setup.sh wine

tmp=$(mktemp -d)
trap 'WINEPREFIX="$tmp/prefix" wineserver -k 2>/dev/null || true; rm -rf "$tmp"' EXIT
export WINEPREFIX="$tmp/prefix" WINEARCH=win64 WINEDEBUG="${WINEDEBUG--all}"
PATH=$PATH:/usr/lib/wine # where Debian keeps wineserver
cc=x86_64-w64-mingw32-gcc

CGO_ENABLED=1 GOOS=windows GOARCH=amd64 CC=$cc go build -buildvcs=false -o "$tmp/anchorvk.exe" ./cmd/anchorvk
in_wine() { xvfb-run -a wine "$@" 2>"$tmp/stderr" || { status=$?; grep -v '^X connection' "$tmp/stderr" >&2 || true; return $status; }; }
in_wine wineboot -i >/dev/null
$cc -shared -O2 -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" tools/wine/bcryptprimitives.c -ladvapi32

if [ $# -gt 0 ]; then
	in_wine "$tmp/anchorvk.exe" "$@"
	exit
fi
in_wine "$tmp/anchorvk.exe" devices
GOOS=windows GOARCH=amd64 CC=$cc tools/capi.sh "$tmp"
for program in misuse fuzz; do
	$cc -std=c99 -O1 -D__USE_MINGW_ANSI_STDIO=1 -Icapi -o "$tmp/$program.exe" "capi/testdata/$program.c" "-L$tmp" -lanchorvk
	in_wine "$tmp/$program.exe"
done
echo "anchorvk.dll refuses what it must"
in_wine "$tmp/anchorvk.exe" verify -q >"$tmp/verdicts" || { grep -v '^OK' "$tmp/verdicts" >&2; exit 1; }
tail -n 1 "$tmp/verdicts"
go build -buildvcs=false -o "$tmp/anchorvk" ./cmd/anchorvk
set -- run -q -i testdata/smollm2-l20-kv0.safetensors --mode anchor,dense --theta 8 --step 4 --lse
in_wine "$tmp/anchorvk.exe" "$@" -o "$tmp/windows.safetensors" >/dev/null
"$tmp/anchorvk" "$@" -o "$tmp/native.safetensors" >/dev/null
cmp "$tmp/windows.safetensors" "$tmp/native.safetensors"
echo "anchorvk.exe under Wine and the native program give the same bits"
