"""PostgreSQL: pools that keep accounts apart, migrations, and the roles of the processes."""
