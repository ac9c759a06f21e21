"""Creates the tables of catalog from its SQL file."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """Tables, indexes, checks and triggers of catalog."""

    dependencies = [("core", "0001_tables")]
    operations = [migrations.RunSQL(read_sql("catalog", "0001_tables.sql"))]
