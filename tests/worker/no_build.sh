#!/bin/sh
# Stands in for the tests of a CPython series that this machine lacks: skipped, or failed where required.
#
#   no_build.sh SERIES SKIP_STATUS
case " ${PYZAP_REQUIRE:-} " in
*" $1 "* | *" all "*)
    echo "CPython $1 is required by PYZAP_REQUIRE, and no usable build of it is here"
    exit 1
    ;;
esac
echo "SKIP: no usable build of CPython $1 here"
exit "$2"
