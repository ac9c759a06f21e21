"""Chains the steps on a shop's funds, and lets terms say who bears a channel's fee."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """funds_step becomes a view of core_event; columns of funds_terms."""

    dependencies = [("funds", "0002_remedies"), ("core", "0003_freezes")]
    operations = [migrations.RunSQL(read_sql("funds", "0003_chain.sql"))]
