#!/bin/sh
# Runs once, in an empty cluster: the role of rxflow and a database for each service and for the keyring.
set -eu
password=$(cat /run/secrets/rxflow_database_password)
psql --set=ON_ERROR_STOP=1 --set=password="$password" --username "$POSTGRES_USER" --dbname postgres <<'SQL'
CREATE ROLE rxflow LOGIN PASSWORD :'password';
SQL
for service in prescribe review dispatch insurance shortage keyring; do
    createdb --username "$POSTGRES_USER" --owner rxflow "rxflow_$service"
    # what the service itself may do in its database; `rxflow migrate` gives the rights
    [ "$service" = keyring ] || psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
        --command "CREATE ROLE rxflow_$service NOLOGIN" --command "GRANT rxflow_$service TO rxflow"
done
