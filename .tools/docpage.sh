#!/bin/sh
# Fetches the viewer of /docs from npm into api/docpage: `make docpage` fetches the version that is there,
# `make docpage VERSION=1.76.0` another one. Fails if the version that is there has other content than before.
set -eu

cd "$(dirname "$0")/../api/docpage"
package=@scalar/api-reference
read -r hash name <scalar.sha256
kept=${name#scalar-} kept=${kept%.js}
version=${VERSION:-$kept}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
archive=$(npm pack "$package@$version" --silent --pack-destination "$work")
tar -xzf "$work/$archive" -C "$work" package/dist/browser/standalone.js package/package.json
script=$work/package/dist/browser/standalone.js
grep -q '"license": "MIT"' "$work/package/package.json" || { echo "viewer: the license of $package@$version is not MIT" >&2; exit 1; }
fetched=$(sha256sum "$script" | cut -d' ' -f1)
if [ "$version" = "$kept" ] && [ "$fetched" != "$hash" ]; then
	echo "viewer: $package@$version has SHA-256 $fetched, want $hash" >&2
	exit 1
fi
gzip -9nc "$script" >scalar.js.gz
echo "$fetched  scalar-$version.js" >scalar.sha256
[ "$version" = "$kept" ] || echo "viewer: bring LICENSES.txt up to date: the packages are in standalone.js.map" >&2
echo "viewer: $package@$version, $(wc -c <"$script") bytes, compressed $(wc -c <scalar.js.gz), SHA-256 $fetched"
