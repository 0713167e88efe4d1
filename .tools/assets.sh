#!/bin/sh
# Puts the official socket.io.js where `roomlog serve` looks for it, from the npm registry.
# CLIENT=2 (what the old server gave to pages; the default), 3 or 4. ASSETS=DIR, else as roomlog decides.
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
