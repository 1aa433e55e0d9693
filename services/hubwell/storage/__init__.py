"""The database: engine detection, connections, named queries, notifications, migrations, backup."""
