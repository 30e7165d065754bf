-- The peers' tables, for the same rows as the service's, with the one index that their list needs.
CREATE TABLE users (id text PRIMARY KEY);

CREATE TABLE tasks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title text NOT NULL,
    description text,
    completed boolean NOT NULL DEFAULT false,
    due_date timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX tasks_by_created ON tasks (user_id, created_at, id);
