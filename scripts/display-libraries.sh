#!/bin/sh
# Install what a virtual display and Qt 6 need, where that is possible; else say in one line what is missing.
# Never fails: everything but the viewer works without them.
packages="xvfb xauth libgl1 libgl1-mesa-dri libegl1 libopengl0 libglib2.0-0 libfontconfig1 libdbus-1-3 libxkbcommon-x11-0
libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0
libxcb-xinerama0 libxcb-xkb1"

[ "$(uname -s)" = Linux ] || exit 0
command -v dpkg-query >/dev/null 2>&1 || exit 0

missing=""
for package in $packages; do
    # A package may have been renamed (libglib2.0-0t64 on newer systems): what provides it counts.
    state=$(dpkg-query -W -f '${Status}\n' "$package" "${package}t64" 2>/dev/null)
    case $state in *"ok installed"*) ;; *) missing="$missing $package" ;; esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    echo "For the viewer on a virtual display, please install:$missing"
    exit 0
fi
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
if ! { $as_root apt-get update && $as_root apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
    echo "The viewer may not start on a virtual display; these could not be installed:$missing"
fi
rm -f "$log"
exit 0
