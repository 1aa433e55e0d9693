"""The database: engine detection, connections, named queries, migrations, backup."""
