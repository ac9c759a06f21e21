"""Adds what the whole path of a unit needs: the records about its key, the merchant's part, replacements."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """Columns and checks of orders_unit."""

    dependencies = [("orders", "0001_tables"), ("cases", "0001_tables")]
    operations = [migrations.RunSQL(read_sql("orders", "0002_whole_path.sql"))]
