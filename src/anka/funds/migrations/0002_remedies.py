"""Lets a decision grant a compensation and a penalty."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """Columns of cases_ruling and cases_case."""

    dependencies = [("funds", "0001_tables"), ("cases", "0002_whole_path")]
    operations = [migrations.RunSQL(read_sql("funds", "0002_remedies.sql"))]
