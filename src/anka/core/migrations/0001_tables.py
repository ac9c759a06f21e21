"""Creates the tables of core from its SQL file."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """Tables, indexes, checks and triggers of core."""

    dependencies = []
    operations = [migrations.RunSQL(read_sql("core", "0001_tables.sql"))]
