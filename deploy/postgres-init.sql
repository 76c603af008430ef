-- Runs once, on an empty volume (docker-compose.postgres.yml): the replicas' role owns their database and nothing else,
-- and the superuser is left without a password, so it can't come in by the network, only by
--   docker compose -f docker-compose.postgres.yml exec postgres psql -U postgres
\getenv password POSTGRES_PASSWORD
create role postern login password :'password';
alter database postern owner to postern;
alter role postgres password null;
