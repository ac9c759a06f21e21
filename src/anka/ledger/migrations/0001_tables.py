"""Creates the tables of ledger from its SQL file."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """Tables, indexes, checks and triggers of ledger."""

    dependencies = [("core", "0001_tables")]
    operations = [migrations.RunSQL(read_sql("ledger", "0001_tables.sql"))]
