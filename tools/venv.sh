#!/bin/sh
# Make a virtual environment, also where Debian keeps that part of Python in a package of its own.
set -eu
target=$1
python=${PYTHON:-python3}

if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    exec "$python" -m venv "$target"
fi

version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
package="python$version-venv"
if [ "$(id -u)" = 0 ]; then
    run=
elif sudo -n true 2>/dev/null; then
    run=sudo
else
    echo "this Python lacks venv: apt-get install $package, then try again" >&2
    exit 1
fi
echo "installing $package" >&2
$run apt-get update -qq
$run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package"
exec "$python" -m venv "$target"
