#!/bin/sh
# The page of `pyzap report`, driven in headless Chromium (page.py).
#
#   page.sh PYZAP FOLDER        screenshots go to FOLDER
#
# Skipped (77) where there is no Chromium, or none that can be driven.
set -u
for name in chromium chromedriver; do
    command -v $name >/dev/null || {
        echo "SKIP: $name is not installed (Debian: chromium, chromium-driver)"
        exit 77
    }
done
# Debian's package is for Debian's interpreter, which need not be the first one.
for python in python3 /usr/bin/python3; do
    if "$python" -c 'import selenium' 2>/dev/null; then
        exec "$python" "$(dirname "$0")/page.py" "$1" "$2"
    fi
done
echo "SKIP: no python3 has selenium (Debian: python3-selenium)"
exit 77
