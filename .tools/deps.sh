#!/bin/sh
# Installs what the tests run beside Go. One line of `needs` is one tool; a tool that is
# there costs nothing, and no package manager is called when none is missing.
# ROOMLOG_SKIP=postgres,race leaves tools out; their tests then say SKIP.
# Exit 1: something is still missing. The tests that need it will fail and name it.
set -u

# name | is it there? | apt-get | dnf | apk | brew
needs() {
	cat <<-'TABLE'
		postgres | have_postgres | postgresql    | postgresql-server | postgresql   | postgresql@17
		race     | have_cc       | gcc libc6-dev | gcc glibc-devel   | gcc musl-dev | gcc
		ffmpeg   | have_ffmpeg   | ffmpeg        | ffmpeg-free       | ffmpeg       | ffmpeg
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

# The race detector links with cgo: a compiler and the C library's headers.
have_cc() {
	echo '#include <stdlib.h>' | "${CC:-cc}" -fsyntax-only -x c - 2>/dev/null
}

have_ffmpeg() { command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null; }

skipped() { case ",${ROOMLOG_SKIP:-}," in *",$1,"*) return 0 ;; esac; return 1; }

# manager prints the first package manager found, and its column in `needs`.
manager() {
	column=3
	for tool in apt-get dnf apk brew; do
		command -v "$tool" >/dev/null && echo "$tool $column" && return
		column=$((column + 1))
	done
}

missing='' packages=''
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
[ -z "$missing" ] && exit 0

case $tool in
apt-get) install="apt-get install -y --no-install-recommends$packages" ;;
dnf) install="dnf install -y$packages" ;;
apk) install="apk add$packages" ;;
brew) install="brew install$packages" ;;
*) echo "deps: missing:$missing, and no package manager (apt-get, dnf, apk, brew) to install it with" >&2; exit 1 ;;
esac
sudo=''
if [ "$(id -u)" != 0 ]; then
	[ "$tool" = brew ] || sudo='sudo '
	echo "deps: missing:$missing; install with: $sudo$install" >&2
	exit 1
fi
[ "$tool" = brew ] && { echo "deps: missing:$missing; brew refuses to run as root, so as yourself: $install" >&2; exit 1; }

echo "deps: missing:$missing; running: $install" >&2
export DEBIAN_FRONTEND=noninteractive
# A fresh machine has no package lists, an old one stale lists: fetch them only when they are needed.
$install >&2 || { [ "$tool" = apt-get ] && apt-get update >&2 && $install >&2; } || {
	echo "deps: could not install:$missing" >&2
	exit 1
}
