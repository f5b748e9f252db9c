# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What must be installed on a Debian 12 machine, said once. To be sourced, by client/try.sh and
# tests/run.sh. Both functions are quick when all is there, and say what is missing when they may not
# install it.

# To configure and build everything, tests and world included.
build_packages=(
    build-essential ca-certificates cmake ninja-build pkg-config
    libnng-dev libcjson-dev libcurl4-openssl-dev libc-ares-dev zlib1g-dev libconfig-dev libidn2-dev
    libunistring-dev libssl-dev libsystemd-dev libseccomp-dev libpcre2-dev libcmocka-dev libevent-dev libnghttp2-dev
)

# What the tests run beside that.
test_packages=(
    binutils clang libglib2.0-dev libuv1-dev clang-format-14 libclang-rt-14-dev mandoc nng-utils python3-minimal systemd valgrind
)

install_packages() { # PACKAGE…
    local missing=() package
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
            missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "missing, and neither root nor sudo to install it: ${missing[*]}" >&2
            echo "as root: apt-get install --no-install-recommends ${missing[*]}" >&2
            return 1
        fi
        as_root=(sudo)
    fi
    echo "== installing ${missing[*]}" >&2
    "${as_root[@]}" apt-get update -q >&2
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "${missing[@]}" >&2
}

install_build_deps() {
    install_packages "${build_packages[@]}"
}

install_test_deps() {
    install_packages "${test_packages[@]}"
}
