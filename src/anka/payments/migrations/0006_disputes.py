"""Keeps chargebacks."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """Disputes that a channel opened against a payment."""

    dependencies = [("payments", "0005_bills")]
    operations = [migrations.RunSQL(read_sql("payments", "0006_disputes.sql"))]
