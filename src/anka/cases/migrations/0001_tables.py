"""Creates the tables of cases from its SQL file."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """Tables, indexes, checks and triggers of cases."""

    dependencies = [("orders", "0001_tables")]
    operations = [migrations.RunSQL(read_sql("cases", "0001_tables.sql"))]
