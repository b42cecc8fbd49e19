#!/bin/sh
# Builds the module for other systems: anchorvk.exe with cgo by the mingw-w64
# compiler, and everything without cgo, where package vk has no Vulkan and says
# so. With CI set the compiler must be there (setup.sh installs it).
#
#   tools/cross.sh [DIRECTORY]    # keeps anchorvk.exe in DIRECTORY
set -eu
cd "$(dirname "$0")/.."

say() { printf 'cross: %s\n' "$*" >&2; }

out=${1-}
if [ -z "$out" ]; then
	out=$(mktemp -d)
	trap 'rm -rf "$out"' EXIT
fi
mkdir -p "$out"

# Also systems and processors that Vulkan is not called on.
for target in linux/arm64 windows/amd64 darwin/arm64 freebsd/amd64 linux/386 openbsd/amd64; do
	say "without cgo: $target"
	CGO_ENABLED=0 GOOS=${target%/*} GOARCH=${target#*/} go build ./...
done
for system in windows darwin; do
	CGO_ENABLED=0 GOOS=$system go vet ./...
done
CGO_ENABLED=0 go test -count=1 ./vk/...
CGO_ENABLED=0 go build -buildvcs=false -o "$out/anchorvk-without-cgo" ./cmd/anchorvk
status=0
"$out/anchorvk-without-cgo" devices 2>"$out/message" || status=$?
if [ $status -ne 3 ] || ! grep -q 'without Vulkan' "$out/message"; then
	say "without cgo, anchorvk devices ended with status $status and this text:"
	cat "$out/message" >&2
	exit 1
fi
rm "$out/anchorvk-without-cgo" "$out/message"

tools/setup.sh cross || true # says what is missing
if command -v x86_64-w64-mingw32-gcc >/dev/null; then
	say "with cgo: windows/amd64"
	export CGO_ENABLED=1 GOOS=windows GOARCH=amd64 CC=x86_64-w64-mingw32-gcc
	go vet ./...
	go build -buildvcs=false -o "$out/anchorvk.exe" ./cmd/anchorvk
elif [ -n "${CI-}" ]; then
	say "no x86_64-w64-mingw32-gcc, and CI is set"
	exit 1
else
	say "left out, there is no x86_64-w64-mingw32-gcc: windows/amd64 with cgo"
fi
