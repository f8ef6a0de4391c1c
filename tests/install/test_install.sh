#!/bin/sh
# Does the installed program work where it was not meant to be? Installs, moves it all, and runs it from there.
#
#   test_install.sh BUILD_FOLDER
#
# Moved, because a path of the build or of the prefix that was compiled in would otherwise go unnoticed; and
# called through a link on PATH, as a distribution's alternatives are. Skipped (77) without a usable build.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$1" --prefix "$work/usr" >"$work/log" || {
    cat "$work/log"
    exit 1
}
mkdir "$work/elsewhere" "$work/bin"
mv "$work/usr" "$work/elsewhere/prefix"
ln -s "$work/elsewhere/prefix/bin/pyzap" "$work/bin/pyzap"
known=spec-of-itself-overflows-the-stack.plan
for file in share/doc/pyzap/README.md share/doc/pyzap/LICENSE libexec/pyzap/builds.tsv \
    "share/pyzap/corpus/regress/$known" "libexec/pyzap/regress/$known" \
    libexec/pyzap/seed/S5-destroyed-on-the-spot.plan; do
    [ -s "$work/elsewhere/prefix/$file" ] || {
        echo "not installed: $file"
        exit 1
    }
done
PATH=$work/bin:$PATH
unset PYZAP_WORKERS || true
cd /
build=$(awk -F'\t' '$2 == "usable" { print $1; exit }' "$work/elsewhere/prefix/libexec/pyzap/builds.tsv")
if [ -z "$build" ]; then
    echo "SKIP: no usable CPython build to run"
    exit 77
fi
pyzap check --python "$build" --plans 500 --out "$work/out"
pyzap report --python "$build" -o "$work/report.html"
pyzap replay --python "$build" "$work/elsewhere/prefix/share/pyzap/corpus" >"$work/log" || {
    cat "$work/log"
    exit 1
}
