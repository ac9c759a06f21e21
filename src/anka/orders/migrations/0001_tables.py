"""Creates the tables of orders from its SQL file."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """Tables, indexes, checks and triggers of orders."""

    dependencies = [("vault", "0001_tables")]
    operations = [migrations.RunSQL(read_sql("orders", "0001_tables.sql"))]
