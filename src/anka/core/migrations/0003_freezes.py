"""Creates the freeze of payouts, and what is kept of the audit's runs and findings."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """Append-only steps of freezes; runs; findings."""

    dependencies = [("core", "0002_operations")]
    operations = [migrations.RunSQL(read_sql("core", "0003_freezes.sql"))]
