# shellcheck shell=sh
# An apt of pyzap's own, with lists, state and cache in build/: nothing is installed, root is not needed, and the
# system's apt is asked for no more than its mirror's address and keys. Sourced by tools/build-cpython and
# tools/get-cpython, which have the functions `need` and `refuse`; $suite is whose packages they are, $private
# the folder where all of it is.

apt() { # command...
    command=$1
    shift
    "$command" -o Dir::Etc::sourcelist="$private/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferencesparts=/dev/null -o Dir::State="$private/state" \
        -o Dir::State::status="$private/state/status" -o Dir::Cache="$private/cache" \
        -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none "$@"
}

# What apt said went wrong, for the end of a line.
apt_error() { # log
    sed -n 's/^[EW]: */: /p' "$1" | head -n 1
}

# The address that the system itself fetches Debian from.
mirror() {
    {
        sed -n 's/^URIs:[ \t]*//p' /etc/apt/sources.list.d/*.sources
        sed -n 's/^deb[ \t]*\(\[[^]]*\]\)\{0,1\}[ \t]*\([^ \t]*\).*/\2/p' /etc/apt/sources.list \
            /etc/apt/sources.list.d/*.list
    } 2>/dev/null | tr ' ' '\n' | grep '/debian/*$' | head -n 1
}

prepare_apt() { # deb or deb-src
    need apt-get apt
    address=$(mirror)
    [ -n "$address" ] || refuse "this system's apt names no Debian mirror"
    mkdir -p "$private/state/lists/partial" "$private/cache/archives/partial"
    : >"$private/state/status"
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    echo "$1 [signed-by=$keyring] $address $suite main" >"$private/sources.list"
    apt apt-get -q update >"$private/update.log" 2>&1 ||
        refuse "cannot read Debian's list of $suite$(apt_error "$private/update.log")"
}
