"""Creates the tables of vault from its SQL file."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """Tables, indexes, checks and triggers of vault."""

    dependencies = [("catalog", "0001_tables")]
    operations = [migrations.RunSQL(read_sql("vault", "0001_tables.sql"))]
