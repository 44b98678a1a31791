#!/bin/sh
# embedding.sh - libhealer as a stranger finds it: installed to a prefix, built
# against with nothing but pkg-config, and run. Also: every public header
# compiles on its own as C11.
# usage: embedding.sh SOURCE_DIR
set -eu
source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
meson setup "$work/build" "$source" --prefix="$work/prefix" --libdir=lib \
        -Dtests=disabled -Dbench=false >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
meson compile -C "$work/build" >"$work/log" 2>&1 || { tail -30 "$work/log"; exit 1; }
meson install -C "$work/build" --no-rebuild >"$work/log" 2>&1 || { tail -30 "$work/log"; exit 1; }
export PKG_CONFIG_PATH="$work/prefix/lib/pkgconfig"
export LD_LIBRARY_PATH="$work/prefix/lib"
cp "$source"/healer/examples/protect_call.c "$source"/healer/examples/Makefile "$work/"
make -C "$work" protect_call CFLAGS="-O2 -Wall -Wextra -Werror" >"$work/log" 2>&1 ||
        { cat "$work/log"; exit 1; }
"$work/protect_call"
for header in "$work"/prefix/include/healer/*.h; do
        name=$(basename "$header")
        printf '#include <healer/%s>\n' "$name" >"$work/alone.c"
        ${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror $(pkg-config --cflags healer) \
                -fsyntax-only "$work/alone.c" || { echo "FAIL $name does not stand alone"; exit 1; }
done
echo "ok   every public header stands alone"
