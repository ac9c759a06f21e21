"""Creates the tables of messaging from its SQL file."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """Tables, indexes and checks of messaging."""

    dependencies = [("core", "0001_tables")]
    operations = [migrations.RunSQL(read_sql("messaging", "0001_tables.sql"))]
