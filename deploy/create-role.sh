#!/bin/sh
# Run once by the postgres image, when compose.yaml's volume is empty: the service gets an ordinary role that owns its
# database. The superuser loses its password, so that it cannot log in over the network.
set -eu
psql --username postgres --dbname postgres --set ON_ERROR_STOP=1 --set password="$POSTGRES_PASSWORD" <<'SQL'
CREATE ROLE tasks LOGIN PASSWORD :'password';
CREATE DATABASE tasks OWNER tasks;
ALTER ROLE postgres PASSWORD NULL;
SQL
