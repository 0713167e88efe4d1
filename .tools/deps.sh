#!/bin/sh
# Installs the tools that the tests need besides Go. Each line of `needs` is one tool. No package manager is called
# when all tools are installed.
# ROOMLOG_SKIP=postgres,race leaves tools out; the tests that need them are skipped.
# `deps.sh clients` installs the npm packages of tests only: the official Socket.IO clients, the players of HLS and FLV,
# the generator and the validators for the documents of the API, DuckDB, and axe, which finds faults of accessibility.
# Exit code 1: a tool is still missing. The tests that need it fail and name it.
set -u

# name | is it there? | apt-get | dnf | apk | brew
needs() {
	cat <<-'TABLE'
		postgres    | have_postgres    | postgresql     | postgresql-server | postgresql   | postgresql@17
		pgbouncer   | have_pgbouncer   | pgbouncer      | pgbouncer         | pgbouncer    | pgbouncer
		nss-wrapper | have_nss_wrapper | libnss-wrapper | nss_wrapper       | nss_wrapper  |
		race        | have_cc          | gcc libc6-dev  | gcc glibc-devel   | gcc musl-dev | gcc
		ffmpeg      | have_ffmpeg      | ffmpeg         | ffmpeg-free       | ffmpeg       | ffmpeg
		node        | have_node        | nodejs npm     | nodejs npm        | nodejs npm   | node
		chromium    | have_chromium    | chromium       | chromium          | chromium     | chromium
		nginx       | have_nginx       | nginx-light    | nginx             | nginx        | nginx
		caddy       | have_caddy       | caddy          | caddy             | caddy        | caddy
	TABLE
}

have_postgres() {
	[ -n "${TEST_DATABASE_URL:-}" ] && return 0
	command -v initdb >/dev/null && return 0
	for bin in "${PG_BINDIR:-}" /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin; do
		[ -x "$bin/initdb" ] && return 0
	done
	command -v pg_config >/dev/null && [ -x "$(pg_config --bindir)/initdb" ]
}

have_pgbouncer() { command -v pgbouncer >/dev/null || [ -x /usr/sbin/pgbouncer ]; }

# Gives a name to a uid that has none, for initdb in containers. Only Linux has it, and only root can test that.
have_nss_wrapper() {
	[ "$(uname)" = Linux ] && [ "$(id -u)" = 0 ] || return 0
	for library in /usr/lib*/libnss_wrapper.so /usr/lib/*/libnss_wrapper.so; do
		[ -e "$library" ] && return 0
	done
	return 1
}

# The race detector needs cgo: a C compiler and the headers of the C library.
have_cc() {
	echo '#include <stdlib.h>' | "${CC:-cc}" -fsyntax-only -x c - 2>/dev/null
}

have_ffmpeg() { command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null; }

have_node() { command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' </dev/null; }

have_chromium() { command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; }

have_nginx() { command -v nginx >/dev/null || [ -x /usr/sbin/nginx ]; }

have_caddy() { command -v caddy >/dev/null; }

clients() {
	npm_packages realtime/socketio/testdata/clients && npm_packages cmd/roomlog/testdata/clients/typescript &&
		npm_packages cmd/roomlog/testdata/clients/hls && npm_packages cmd/roomlog/testdata/clients/flv &&
		npm_packages cmd/roomlog/testdata/clients/duckdb && npm_packages cmd/roomlog/testdata/clients/page
}

# npm_packages installs the npm packages of a folder when the list of them has changed.
npm_packages() (
	cd "$(dirname "$0")/../$1" || exit
	cmp -s package-lock.json node_modules/.installed && exit
	echo "deps: the npm packages of $1 are missing or old; running: npm ci" >&2
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 && cp package-lock.json node_modules/.installed && exit
	echo "deps: could not install the npm packages of $1" >&2
	exit 1
)

skipped() { case ",${ROOMLOG_SKIP:-}," in *",$1,"*) return 0 ;; esac; return 1; }

# manager prints the first package manager found, and its column in `needs`.
manager() {
	column=3
	for tool in apt-get dnf apk brew; do
		command -v "$tool" >/dev/null && echo "$tool $column" && return
		column=$((column + 1))
	done
}

if [ "${1:-}" = clients ]; then
	clients
	exit
fi
missing='' packages='' failed=0
set -- $(manager)
tool=${1:-} column=${2:-0}
while IFS='|' read -r name probe apt dnf apk brew; do
	name=$(echo $name)
	if skipped "$name"; then
		echo "deps: $name is left out by ROOMLOG_SKIP" >&2
	elif ! $probe; then
		missing="$missing $name"
		case $column in 3) more=$apt ;; 4) more=$dnf ;; 5) more=$apk ;; 6) more=$brew ;; *) more='' ;; esac
		packages="$packages $(echo $more)"
	fi
done <<TABLE
$(needs)
TABLE
case $missing in *node*) ;; *) skipped node || clients || failed=1 ;; esac
[ -z "$missing" ] && exit $failed

case $tool in
apt-get) add="apt-get install -y --no-install-recommends" ;;
dnf) add="dnf install -y" ;;
apk) add="apk add" ;;
brew) add="brew install" ;;
*) echo "deps: missing:$missing, and no package manager (apt-get, dnf, apk, brew) to install it with" >&2; exit 1 ;;
esac
install="$add$packages" sudo=''
if [ "$(id -u)" != 0 ]; then
	[ "$tool" = brew ] || sudo='sudo '
	echo "deps: missing:$missing; install with: $sudo$install" >&2
	exit 1
fi
[ "$tool" = brew ] && { echo "deps: missing:$missing; brew refuses to run as root, so as yourself: $install" >&2; exit 1; }

echo "deps: missing:$missing; running: $install" >&2
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 # the proxies are not started as services
# Package lists may be missing or stale; they are fetched only when an installation fails. A package that cannot be
# installed does not prevent the others.
$install >&2 || { [ "$tool" = apt-get ] && apt-get update >&2 && $install >&2; } || for package in $packages; do
	$add "$package" >&2 || { echo "deps: could not install $package" >&2; failed=1; }
done
case $missing in *node*) clients || failed=1 ;; esac
exit $failed
