"""Creates the tables of the policies room from its SQL file."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """Drafts, runs, publications, withdrawals, and the table of a draft's moves. What was in force so far stays in force."""

    dependencies = [("orders", "0002_whole_path")]
    operations = [migrations.RunSQL(read_sql("policies", "0001_tables.sql"))]
