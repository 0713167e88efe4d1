#!/bin/sh
# Fetches the official socket.io.js from the npm registry into the folder from which `roomlog serve` serves it.
# CLIENT is the major version: 2 (the default, which pages of old servers expect), 3 or 4. ASSETS is the folder; without it,
# the script uses the default folder of roomlog.
set -eu

client=${CLIENT:-2}
if [ "$(id -u)" = 0 ]; then state=/var/lib/roomlog; else state=${XDG_STATE_HOME:-$HOME/.local/state}/roomlog; fi
assets=${ASSETS:-${ROOMLOG_ASSETS:-${ROOMLOG_DATA:-$state}/assets}}
here=$(dirname "$0")
dist=$here/../realtime/socketio/testdata/clients/node_modules/socket.io-client-$client/dist

"$here/deps.sh" clients
[ -d "$dist" ] || { echo "assets: there is no client $client: CLIENT is 2, 3 or 4" >&2; exit 2; }
mkdir -p "$assets"
rm -f "$assets"/socket.io.*
for file in "$dist"/socket.io.js "$dist"/socket.io.min.js "$dist"/socket.io.slim.js "$dist"/socket.io.esm.min.js; do
	[ -e "$file" ] && install -m 644 "$file" "$file.map" "$assets"
done || true
echo "assets: $(sed -n 's/^ \* \(Socket.IO v[0-9.]*\).*/\1/p' "$assets/socket.io.js" | head -1) is in $assets"
