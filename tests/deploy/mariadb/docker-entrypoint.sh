#!/bin/sh
# As the official image's: as root it hands itself to the user mysql; an empty data folder is prepared by a
# server without network; then the command runs.
set -eu
if [ "$(id -u)" = 0 ]; then
	chown mysql:mysql /var/lib/mysql
	exec setpriv --reuid mysql --regid mysql --clear-groups -- "$0" "$@"
fi
socket=/run/mysqld/mysqld.sock
root() {
	mariadb --no-defaults --socket "$socket" -u root "$@"
}
if [ ! -d /var/lib/mysql/mysql ]; then
	password=$(cat "$MARIADB_PASSWORD_FILE")
	mariadb-install-db --datadir=/var/lib/mysql --auth-root-authentication-method=normal --skip-test-db >/dev/null
	mariadbd --skip-networking --socket "$socket" &
	server=$!
	tries=0
	until root -e 'SELECT 1' >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ "$tries" -lt 300 ] || exit 1
		sleep 0.1
	done
	root <<-SQL
		CREATE DATABASE $MARIADB_DATABASE;
		CREATE USER '$MARIADB_USER'@'%' IDENTIFIED BY '$password';
		GRANT ALL ON $MARIADB_DATABASE.* TO '$MARIADB_USER'@'%';
	SQL
	if [ -n "${MARIADB_RANDOM_ROOT_PASSWORD:-}" ]; then
		root -e "ALTER USER root@localhost IDENTIFIED BY '$(head -c 24 /dev/urandom | base64)'"
	fi
	kill "$server"
	wait "$server"
fi
exec "$@"
