-- What a user may have of executors and of the network is decided by the user's class.
ALTER TABLE accounts ADD COLUMN user_class TEXT NOT NULL DEFAULT 'default';
