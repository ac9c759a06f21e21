"""Creates the tables of payments from its SQL file."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """Tables, indexes, checks and triggers of payments."""

    dependencies = [("core", "0001_tables")]
    operations = [migrations.RunSQL(read_sql("payments", "0001_tables.sql"))]
