#!/bin/sh
# Puts ggml's attention benchmark, Debian testing's ggml and the C library that it
# needs into a directory that runs on any x86-64 Linux with a Vulkan driver:
#
#   tools/peers/bundle_ggml.sh DIR
#   DIR/run --device Vulkan0 --q-len 8192 --heads 32 --kv-heads 8 --head-dim 128 --reps 5
#
# Copy DIR to a machine with a GPU; it takes about 80 MiB.
set -eu

cd "$(dirname "$0")/../.."
[ $# -eq 1 ] || { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2; }
mkdir -p "$1/lib" "$1/backends"
out=$(cd "$1" && pwd)
root=$(tools/sysroot.sh testing)
lib=$(echo "$root"/usr/lib/*-linux-gnu*)
"${CC:-cc}" -std=c11 -O2 -Wall -Wextra -Werror -I"$root/usr/include" -o "$out/ggml_attention" tools/peers/ggml_attention.c \
	"$lib/libggml.so" "$lib/libggml-base.so" -Wl,--allow-shlib-undefined -lm

# What a file needs, by the sysroot's own loader: lines of "name => path (address)".
needs() { "$lib"/ld-linux-*.so.* --library-path "$lib" --list "$1" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p'; }
cp -L "$lib"/ld-linux-*.so.* "$out/lib/"
backend=$(echo "$lib"/ggml/backends*/libggml-vulkan.so)
cp -L "$backend" "$out/backends/"
for file in "$out/ggml_attention" "$backend"; do
	needs "$file" | while read -r path; do cp -L "$path" "$out/lib/"; done
done
cat >"$out/run" <<'END'
#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
exec "$here"/lib/ld-linux-*.so.* --library-path "$here/lib" "$here/ggml_attention" --load "$here/backends" "$@"
END
chmod +x "$out/run"
du -sh "$out" | cut -f1
